// Every source of tokens, against stand-ins for what it asks.
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "http/observed_transport.hpp"
#include "identity/process.hpp"
#include "identity/sources.hpp"
#include "identity/token_response.hpp"
#include "loopback_server.hpp"
#include "manual_clock.hpp"
#include "text/base64.hpp"
#include <corun/credential.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

constexpr std::int64_t start = 1'766'000'000;

std::string json(std::string_view body, int status = 200, std::string_view more = {}) {
    return whole_response(status, "application/json; charset=utf-8", body, more);
}

const std::string entra_token =
    json(R"({"token_type":"Bearer","expires_in":3599,"access_token":"planted-secret-token"})");
const std::string imds_token = json(
    R"({"access_token":"planted-secret-token","client_id":"c","expires_in":"86399","expires_on":"1766007200","resource":"r","token_type":"Bearer"})");

/// A directory that goes when it does.
struct scratch {
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "corun-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
        path = name;
    }
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::string file(const std::string& name, std::string_view content) const {
        const std::filesystem::path at = path / name;
        std::ofstream(at, std::ios::binary) << content;
        return at.string();
    }
    std::string script(const std::string& name, std::string_view body) const {
        std::string at = file(name, "#!/bin/sh\n" + std::string(body) + '\n');
        std::filesystem::permissions(at, std::filesystem::perms::owner_all);
        return at;
    }

    std::filesystem::path path;
};

struct fixture {
    fixture() {
        context->executor = io.get_executor();
        context->transport = context->direct_transport = detail::observed_transport(
            curl::make_transport(io.get_executor()), clock, detail::notifier(io.get_executor(), searched().observer));
        context->clock = clock;
        context->options.environment = [this](const std::string& name) { return variables[name]; };
        context->options.clock = [this] { return now; };
        context->options.azure_cli = (files.path / "az").string();
    }
    ~fixture() { clock->shut_down(); }

    /// Answers with what is in `answers`, the last of them again and again; without any, with nothing.
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> connection) {
        while (true) {
            raw_request request = co_await connection->read();
            if (request.head.empty()) co_return;
            requests.push_back(std::move(request));
            if (answers.empty()) {
                co_await connection->wait_for_peer();
                co_return;
            }
            const std::string answer = answers.front();
            if (answers.size() > 1) answers.pop_front();
            if (!co_await connection->write(answer)) co_return;
        }
    }

    std::string gone() {
        loopback_server brief(io, [](std::shared_ptr<raw_connection>) -> asio::awaitable<void> { co_return; });
        return brief.url();
    }

    access_token get(const identity::fetch& source) { return await(io, source()); }

    /// The message of the failure, which must be one of a credential, one line, and without a secret.
    std::string failure(const identity::fetch& source) {
        try {
            return "a token: " + std::string(get(source).value.reveal());
        } catch (const error& failed) {
            return checked(failed);
        }
    }
    static std::string checked(const error& failed) {
        BOOST_TEST(failed.code() == errc::credential_failed);
        const std::string what = failed.what();
        BOOST_TEST(what.find('\n') == what.npos);
        for (const char* hidden : {"planted-secret-value", "planted-secret-token", "cGxhbnRl"})
            BOOST_TEST(what.find(hidden) == what.npos, what);
        return failed.details().message;
    }

    /// Starts a fetch; `given` or `problem` say what comes of it.
    void begin(const identity::fetch& source) {
        asio::co_spawn(io, source(),
                       asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, access_token t) {
                           finished = true;
                           try {
                               if (e) std::rethrow_exception(e);
                               given = std::move(t);
                           } catch (const error& failed) {
                               problem = checked(failed);
                           } catch (const std::system_error& failed) {
                               problem = failed.code().message();
                           }
                       }));
    }
    void run_until_requests(std::size_t count) {
        run_until(io, [&] { return requests.size() >= count; });
    }

    void use_entra() {
        variables["AZURE_AUTHORITY_HOST"] = server.url() + '/';
        variables["AZURE_TENANT_ID"] = "tenant-1";
        variables["AZURE_CLIENT_ID"] = "client-1";
    }
    identity::fetch environment() {
        use_entra();
        variables["AZURE_CLIENT_SECRET"] = "planted-secret-value&+/ü";
        return identity::environment(context);
    }
    identity::fetch workload(std::string content) {
        use_entra();
        variables["AZURE_FEDERATED_TOKEN_FILE"] = files.file("assertion", content);
        return identity::workload_identity(context);
    }
    identity::fetch imds(std::string client_id = {}, bool probes = false) {
        variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url();
        return identity::managed_identity(context, std::move(client_id), probes);
    }
    identity::fetch cli(std::string_view body) {
        files.script("az", body);
        return identity::azure_cli(context);
    }
    identity::fetch google(std::string audience = "https://bookings-abc.a.run.app") {
        variables["GCE_METADATA_HOST"] = server.url().substr(7);
        return identity::google_identity_token(context, std::move(audience));
    }

    asio::io_context io;
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::chrono::system_clock::time_point now{std::chrono::seconds(start)};
    std::map<std::string, std::string> variables;
    scratch files;
    std::vector<raw_request> requests;
    std::deque<std::string> answers;
    loopback_server server{io, [this](std::shared_ptr<raw_connection> c) { return serve(std::move(c)); }};
    std::shared_ptr<identity::source_context> context = std::make_shared<identity::source_context>();
    asio::cancellation_signal cancel;
    bool finished = false;
    std::optional<access_token> given;
    std::string problem;
};

bool says(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::string jwt(std::string_view payload) {
    std::string text = corun::base64::encode(R"({"alg":"RS256"})") + '.' + corun::base64::encode(payload);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    std::erase(text, '=');
    return text + ".c2ln";
}

std::string google_answer(std::string_view body, std::string_view more = "Metadata-Flavor: Google\r\n") {
    return whole_response(200, "text/html", body, more);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(credentials, fixture)

// Entra.

BOOST_AUTO_TEST_CASE(a_client_secret_is_posted_as_a_form) {
    answers = {entra_token};
    const access_token token = get(environment());
    BOOST_TEST(token.value.reveal() == "planted-secret-token");
    BOOST_TEST((token.expires_at == now + 3599s));
    BOOST_TEST_REQUIRE(requests.size() == 1u);
    BOOST_TEST(requests[0].head.starts_with("POST /tenant-1/oauth2/v2.0/token HTTP/1.1"));
    BOOST_TEST(requests[0].field("Content-Type") == "application/x-www-form-urlencoded");
    BOOST_TEST(requests[0].body ==
               "grant_type=client_credentials&client_id=client-1&client_secret=planted-secret-value%26%2B%2F%C3%BC&"
               "scope=https%3A%"
               "2F%2Fai.azure.com%2F.default");
}

BOOST_AUTO_TEST_CASE(what_is_not_set_is_named) {
    BOOST_TEST(failure(identity::environment(context)) ==
               "environment: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not set");
    use_entra();
    BOOST_TEST(failure(identity::environment(context)) == "environment: AZURE_CLIENT_SECRET is not set");
    BOOST_TEST(failure(identity::workload_identity(context)) ==
               "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set");
    BOOST_TEST(requests.empty());
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_entra_said_without_the_secret) {
    answers = {json(
        R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"})",
        401)};
    BOOST_TEST(failure(environment()) == "environment: " + server.url() +
                                             " answered HTTP 401, invalid_client: AADSTS7000215: Invalid client secret "
                                             "provided.");
    answers = {json(
        R"({"error":"planted-secret-value&+/ü","error_description":"not planted-secret-value%26%2B%2F%C3%BC"})", 400)};
    BOOST_TEST(says(failure(environment()), "HTTP 400, ***: not ***"));
}

BOOST_AUTO_TEST_CASE(garbage_is_no_token_and_stands_in_no_message) {
    const std::pair<std::string, const char*> cases[] = {
        {json("<html>planted-secret-token</html>"), "something other than JSON"},
        {json(R"({"token_type":"Bearer"})"), "no token"},
        {json(R"({"access_token":7})"), "no token"},
        {json(R"({"access_token":"planted-secret-token\r\nX: y","expires_in":9})"), "not allowed in a header"},
        {json(R"({"access_token":"planted-secret-token","token_type":"pop","expires_in":9})"), "not a bearer token"},
        {json(R"({"access_token":"planted-secret-token","expires_on":"soon"})"), "with an invalid expiry"},
        {json(std::string(70'000, ' ')), "more than 65536 bytes"},
        {json("planted-secret-token", 500), "HTTP 500"},
        {whole_response(302, "text/plain", "", "Location: " + server.url() + "/elsewhere\r\n"), "HTTP 302"},
        {"planted-secret-token\r\n\r\n", "did not respond"},
    };
    for (const auto& [answer, why] : cases) {
        answers = {answer};
        const std::string message = failure(environment());
        BOOST_TEST(says(message, why), message);
    }
    for (const raw_request& each : requests) BOOST_TEST(each.target() == "/tenant-1/oauth2/v2.0/token");
}

BOOST_AUTO_TEST_CASE(silence_ends_with_the_timeout) {
    begin(environment());
    run_until_requests(1);
    clock->advance(30s - 1ms);
    run_ready(io);
    BOOST_TEST(!finished);
    clock->advance(1ms);
    run_until(io, [&] { return finished; });
    BOOST_TEST(says(problem, "did not respond: the call timed out"), problem);
}

BOOST_AUTO_TEST_CASE(cancellation_drops_the_request) {
    begin(environment());
    run_until_requests(1);
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return finished; });
    BOOST_TEST(problem == std::error_code(asio::error::operation_aborted).message());
}

BOOST_AUTO_TEST_CASE(secrets_go_nowhere_in_the_clear) {
    const identity::fetch source = environment();
    for (const char* authority :
         {"http://login.example", "http://169.254.169.254", "http://127.0.0.1.example", "ftp://login.example",
          "https://user:planted-secret-value@login.example", "http://"}) {
        variables["AZURE_AUTHORITY_HOST"] = authority;
        BOOST_TEST(says(failure(source), "environment: "), authority);
    }
    use_entra();
    for (const char* tenant : {"../common", "a/b", "..", "-x", "a b", "a?b", "a#b"}) {
        variables["AZURE_TENANT_ID"] = tenant;
        BOOST_TEST(failure(source) == "environment: AZURE_TENANT_ID is not a tenant id or domain", tenant);
    }
    BOOST_TEST(requests.empty());
}

BOOST_AUTO_TEST_CASE(an_assertion_is_read_again_after_five_minutes) {
    answers = {entra_token};
    const identity::fetch source = workload("  assertion-1\n");
    BOOST_TEST(get(source).value.reveal() == "planted-secret-token");
    BOOST_TEST(
        requests[0].body ==
        "grant_type=client_credentials&client_id=client-1&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-"
        "assertion-type%3Ajwt-bearer&client_assertion=assertion-1&scope=https%3A%2F%2Fai.azure.com%2F.default");
    files.file("assertion", "assertion-2");
    now += 5min - 1s;
    (void)get(source);
    BOOST_TEST(says(requests[1].body, "client_assertion=assertion-1&"));
    now += 1s;
    (void)get(source);
    BOOST_TEST(says(requests[2].body, "client_assertion=assertion-2&"));
}

BOOST_AUTO_TEST_CASE(a_file_without_an_assertion_is_named) {
    const std::pair<std::string, const char*> cases[] = {
        {"", "is empty"}, {" \n", "is empty"}, {std::string(70'000, 'x'), "is too large"}};
    for (const auto& [content, why] : cases) BOOST_TEST(says(failure(workload(content)), why));
    variables["AZURE_FEDERATED_TOKEN_FILE"] = files.path.string();
    BOOST_TEST(says(failure(identity::workload_identity(context)), "is not a file"));
    variables["AZURE_FEDERATED_TOKEN_FILE"] = "/nowhere\nat all";
    BOOST_TEST(says(failure(identity::workload_identity(context)), "'/nowhere\\nat all' is not a file"));
    answers = {json(R"({"error":"invalid_request","error_description":"what is planted-secret-value?"})", 400)};
    BOOST_TEST(says(failure(workload("planted-secret-value")), "what is ***?"));
}

// Managed identity.

BOOST_AUTO_TEST_CASE(imds_gives_a_token_with_numbers_as_strings) {
    answers = {imds_token};
    const access_token token = get(imds());
    BOOST_TEST(token.value.reveal() == "planted-secret-token");
    BOOST_TEST((token.expires_at == now + 2h));
    BOOST_TEST(requests[0].head.starts_with(
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fai.azure.com HTTP/1.1"));
    BOOST_TEST(says(requests[0].head, "\r\nMetadata: true\r\n"));
    (void)get(imds("client 1"));
    BOOST_TEST(requests[1].target().ends_with("&client_id=client%201"));
}

BOOST_AUTO_TEST_CASE(imds_is_asked_again_after_what_may_pass) {
    context->options.timeout = 0ms;
    answers = {json("{}", 404), json("", 429), json("busy", 503), json("", 500), imds_token};
    begin(imds());
    std::size_t asked = 1;
    for (const std::chrono::milliseconds pause : {1s, 2s, 4s, 8s}) {
        run_until(io, [&] { return clock->pending() == 1; });
        BOOST_TEST(requests.size() == asked);
        clock->advance(pause - 1ms);
        run_ready(io);
        BOOST_TEST(clock->pending() == 1u);
        clock->advance(1ms);
        run_until_requests(++asked);
    }
    run_until(io, [&] { return finished; });
    BOOST_TEST(given.value().value.reveal() == "planted-secret-token");
}

BOOST_AUTO_TEST_CASE(imds_is_not_asked_for_ever) {
    context->options.timeout = 0ms;
    answers = {json("", 500)};
    begin(imds());
    while (!finished) {
        run_until(io, [&] { return finished || clock->pending() == 1; });
        clock->advance(8s);
    }
    BOOST_TEST(requests.size() == 5u);
    BOOST_TEST(says(problem, "managed identity: " + server.url() + " answered HTTP 500"), problem);
}

BOOST_AUTO_TEST_CASE(imds_is_given_seventy_seconds_for_an_upgrade) {
    context->options.timeout = 0ms;
    answers = {json("", 410)};
    begin(imds());
    std::chrono::seconds waited = 0s;
    while (!finished) {
        run_until(io, [&] { return finished || clock->pending() == 1; });
        if (finished) break;
        clock->advance(10s);
        waited += 10s;
    }
    BOOST_TEST((waited == 70s));
    BOOST_TEST(requests.size() == 8u);
    BOOST_TEST(says(problem, "HTTP 410"), problem);
}

BOOST_AUTO_TEST_CASE(what_will_not_pass_is_not_asked_again) {
    for (const int status : {400, 401, 403}) {
        answers = {json(R"({"error":"invalid_request","error_description":"Identity not found"})", status)};
        requests.clear();
        BOOST_TEST(says(failure(imds()), "invalid_request: Identity not found"));
        BOOST_TEST(requests.size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(waiting_for_imds_can_be_cancelled) {
    context->options.timeout = 0ms;
    answers = {json("", 500)};
    begin(imds());
    run_until(io, [&] { return clock->pending() == 1; });
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return finished; });
    BOOST_TEST(problem == std::error_code(asio::error::operation_aborted).message());
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(app_service_is_asked_where_there_is_one) {
    variables["IDENTITY_ENDPOINT"] = server.url() + "/msi/token";
    variables["IDENTITY_HEADER"] = "planted-secret-value";
    answers = {json(
        R"({"access_token":"planted-secret-token","expires_on":"12/17/2025 9:33:20 PM +00:00","token_type":"Bearer"})")};
    const access_token token = get(identity::managed_identity(context, "client-1", false));
    BOOST_TEST((token.expires_at == now + 2h));
    BOOST_TEST(requests[0].target() ==
               "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fai.azure.com&client_id=client-1");
    BOOST_TEST(requests[0].field("X-IDENTITY-HEADER") == "planted-secret-value");
    answers = {json(R"({"error":"bad","error_description":"header planted-secret-value is wrong"})", 401)};
    BOOST_TEST(says(failure(identity::managed_identity(context, "", false)), "header *** is wrong"));
    variables["IDENTITY_ENDPOINT"] = "http://elsewhere.example/msi/token";
    BOOST_TEST(says(failure(identity::managed_identity(context, "", false)), "over http to this machine only"));
    variables["IDENTITY_HEADER"] = "planted-secret-value\r\nX: y";
    BOOST_TEST(says(failure(identity::managed_identity(context, "", false)), "characters"));
}

BOOST_AUTO_TEST_CASE(metadata_is_asked_for_beside_this_machine_only) {
    const identity::fetch source = imds();
    for (const char* host :
         {"http://metadata.example", "http://169.254.169.254.example", "http://169.255.0.1", "http://10.0.0.1"}) {
        variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = host;
        BOOST_TEST(says(failure(source), "over http to this machine only"), host);
    }
}

// Azure CLI.

BOOST_AUTO_TEST_CASE(the_cli_is_run_without_a_shell) {
    context->options.tenant_id = "tenant-1";
    context->options.subscription = "My Subscription";
    const identity::fetch source = cli(R"(printf '%s\n' "$@" > "$0.arguments"
echo '{"accessToken":"planted-secret-token","expiresOn":"2001-01-01 00:00:00.000000","expires_on":1766007200,"tokenType":"Bearer"}')");
    const access_token token = get(source);
    BOOST_TEST(token.value.reveal() == "planted-secret-token");
    BOOST_TEST((token.expires_at == now + 2h));
    std::ifstream arguments(files.path / "az.arguments");
    const std::string text{std::istreambuf_iterator<char>(arguments), {}};
    BOOST_TEST(text ==
               "account\nget-access-token\n--output\njson\n--resource\nhttps://ai.azure.com\n--tenant\ntenant-1\n"
               "--subscription\nMy Subscription\n");
}

BOOST_AUTO_TEST_CASE(an_old_cli_tells_local_time) {
    const std::time_t then = start + 7200;
    char local[40];
    std::tm parts{};
    ::localtime_r(&then, &parts);
    std::strftime(local, sizeof local, "%Y-%m-%d %H:%M:%S.000000", &parts);
    const access_token token =
        get(cli(std::string(R"(echo '{"accessToken":"planted-secret-token","expiresOn":")") + local + R"("}')"));
    BOOST_TEST((token.expires_at == now + 2h));
}

BOOST_AUTO_TEST_CASE(a_failing_cli_is_told_by_its_first_line) {
    BOOST_TEST(failure(cli("echo \"ERROR: Please run 'az login' to setup account.\" >&2; echo more >&2; exit 1")) ==
               "Azure CLI: ERROR: Please run 'az login' to setup account.");
    BOOST_TEST(says(failure(cli("exit 1")), "produced no output"));
    BOOST_TEST(says(failure(cli("echo planted-secret-token")), "something other than JSON"));
    BOOST_TEST(says(failure(cli("head -c 2000000 /dev/zero")), "produced too much output"));
    context->options.azure_cli = (files.path / "missing").string();
    BOOST_TEST(says(failure(identity::azure_cli(context)), "is not installed"));
    context->options.azure_cli = files.file("not-a-program", "");
    BOOST_TEST(says(failure(identity::azure_cli(context)), "cannot be run"));
}

BOOST_AUTO_TEST_CASE(arguments_for_the_cli_are_plain) {
    for (const char* tenant : {"--debug", "a;b", "$(id)", "a\nb", "\"", "a&b"}) {
        context->options.tenant_id = tenant;
        BOOST_TEST(says(failure(cli("exit 1")), "contains invalid characters"), tenant);
    }
}

BOOST_AUTO_TEST_CASE(a_cli_that_hangs_is_killed_and_with_it_what_it_has_started) {
    begin(cli("sleep 1000 & echo $! > \"$0.child\"; mv \"$0.child\" \"$0.started\"; wait"));
    const std::filesystem::path started = files.path / "az.started";
    while (!std::filesystem::exists(started)) run_ready(io);
    clock->advance(30s);
    run_until(io, [&] { return finished; });
    BOOST_TEST(says(problem, "took longer than 30000 ms"), problem);
    ::pid_t child = 0;
    std::ifstream(started) >> child;
    BOOST_TEST_REQUIRE(child > 0);
    // Killed, and gone as soon as whoever inherits it looks.
    const auto is_dead = [child] {
        std::ifstream status("/proc/" + std::to_string(child) + "/stat");
        std::string pid, name, state;
        return !(status >> pid >> name >> state) || state == "Z" || state == "X";
    };
    while (!is_dead()) ::usleep(1000);
    BOOST_TEST(is_dead());
}

BOOST_AUTO_TEST_CASE(cancellation_kills_the_cli) {
    begin(cli(": > \"$0.started\"; exec sleep 1000"));
    while (!std::filesystem::exists(files.path / "az.started")) run_ready(io);
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return finished; });
    BOOST_TEST(problem == std::error_code(asio::error::operation_aborted).message());
    errno = 0;
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
    BOOST_TEST(errno == ECHILD);
}

BOOST_AUTO_TEST_CASE(an_executor_may_go_while_tokens_are_fetched) {
    (void)cli(": > \"$0.started\"; exec sleep 1000");
    context->options.timeout = 0ms;
    {
        asio::io_context other;
        context->executor = other.get_executor();
        context->transport = context->direct_transport = curl::make_transport(other.get_executor());
        const token_provider from_cli = identity::make_provider(context, identity::azure_cli(context));
        const token_provider from_entra = identity::make_provider(context, environment());
        for (const token_provider& each : {from_cli, from_entra})
            asio::co_spawn(other, each.token(), [](std::exception_ptr, const secret&) { BOOST_TEST(false); });
        while (!std::filesystem::exists(files.path / "az.started") || requests.empty()) {
            run_ready(other);
            run_ready(io);
        }
        context->transport = context->direct_transport = nullptr;
    }
    errno = 0;
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
    BOOST_TEST(errno == ECHILD);
}

BOOST_AUTO_TEST_CASE(the_cli_inherits_no_sockets_and_no_input) {
    const std::string said = failure(cli("ls /proc/self/fd | tr '\\n' ' ' >&2; cat >&2"));
    // 3 is the directory that `ls` reads.
    BOOST_TEST(said == "Azure CLI: 0 1 2 3 ");
}

// The chain.

BOOST_AUTO_TEST_CASE(the_default_credential_tells_why_none_serves) {
    variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = gone();
    const std::string message = failure(identity::azure_default(context));
    BOOST_TEST(message.starts_with("environment: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not set; "
                                   "workload identity: AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                                   "AZURE_FEDERATED_TOKEN_FILE are not set; managed identity: http://127.0.0.1:"),
               message);
    BOOST_TEST(says(message, " did not respond: could not connect"), message);
    BOOST_TEST(message.ends_with("; Azure CLI: '" + context->options.azure_cli + "' is not installed"), message);
}

BOOST_AUTO_TEST_CASE(the_first_that_is_there_serves_and_goes_on_serving) {
    answers = {entra_token};
    const identity::fetch workload_source = workload("assertion");
    const identity::fetch source = identity::azure_default(context);
    BOOST_TEST(get(source).value.reveal() == "planted-secret-token");
    BOOST_TEST(says(requests[0].body, "client_assertion"));
    // What appears later is somebody else.
    variables["AZURE_CLIENT_SECRET"] = "planted-secret-value";
    (void)get(source);
    BOOST_TEST(says(requests[1].body, "client_assertion"));
}

BOOST_AUTO_TEST_CASE(one_that_is_there_and_fails_ends_the_search) {
    answers = {json(R"({"error":"invalid_client"})", 401)};
    (void)environment();
    (void)cli("echo '{}'");
    const std::string message = failure(identity::azure_default(context));
    BOOST_TEST(message == "environment: " + server.url() + " answered HTTP 401, invalid_client");
}

BOOST_AUTO_TEST_CASE(imds_is_probed_before_it_is_asked) {
    answers = {json("", 400), imds_token};
    (void)imds();
    variables["AZURE_CLIENT_ID"] = "client-1";
    BOOST_TEST(get(identity::azure_default(context)).value.reveal() == "planted-secret-token");
    BOOST_TEST_REQUIRE(requests.size() == 2u);
    BOOST_TEST(requests[0].field("Metadata").empty());
    BOOST_TEST(requests[1].field("Metadata") == "true");
    BOOST_TEST(requests[1].target().ends_with("&client_id=client-1"));
}

BOOST_AUTO_TEST_CASE(an_imds_that_is_silent_or_somebody_else_is_passed_over) {
    const std::string token = R"(echo '{"accessToken":"planted-secret-token","expires_on":1766007200}')";
    (void)imds();
    (void)cli(token);
    begin(identity::azure_default(context));
    run_until_requests(1);
    clock->advance(1s);
    run_until(io, [&] { return finished; });
    BOOST_TEST(given.value().value.reveal() == "planted-secret-token");

    answers = {whole_response(404, "text/html", "", "Metadata-Flavor: Google\r\n")};
    BOOST_TEST(get(identity::azure_default(context)).value.reveal() == "planted-secret-token");
    answers = {json("", 400), json(R"({"error":"invalid_request","error_description":"Identity not found"})", 400)};
    BOOST_TEST(get(identity::azure_default(context)).value.reveal() == "planted-secret-token");
}

// Google.

BOOST_AUTO_TEST_CASE(google_gives_a_jwt_as_text) {
    const std::string token = jwt(R"({"aud":"https://bookings-abc.a.run.app","exp":1766003600})");
    answers = {google_answer(token + '\n')};
    const access_token fresh = get(google());
    BOOST_TEST(fresh.value.reveal() == token);
    BOOST_TEST((fresh.expires_at == now + 1h));
    BOOST_TEST(
        requests[0].target() ==
        "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https%3A%2F%2Fbookings-abc.a.run."
        "app&format=full");
    BOOST_TEST(requests[0].field("Metadata-Flavor") == "Google");
}

BOOST_AUTO_TEST_CASE(what_google_would_not_say_is_no_token) {
    const std::string token = jwt(R"({"exp":1766003600})");
    const std::pair<std::string, const char*> cases[] = {
        {google_answer(token, ""), "not Google's metadata server"},
        {google_answer("planted-secret-token"), "something other than a JSON Web Token"},
        {google_answer(jwt(R"({"sub":"1"})")), "something other than a JSON Web Token"},
        {google_answer(token + "\r\nX: y"), "something other than a JSON Web Token"},
        {whole_response(404, "text/html", "planted-secret-token"), "no default service account"},
        {whole_response(403, "text/html", "planted-secret-token"), "HTTP 403"},
    };
    for (const auto& [answer, why] : cases) {
        answers = {answer};
        const std::string message = failure(google());
        BOOST_TEST(says(message, why), message);
    }
    const identity::fetch source = google();
    variables["GCE_METADATA_HOST"] = "elsewhere.example";
    BOOST_TEST(says(failure(source), "over http to this machine only"));
    variables["GCE_METADATA_HOST"] = "127.0.0.1@elsewhere.example";
    BOOST_TEST(says(failure(source), "not an absolute"));
    BOOST_CHECK_EXCEPTION((void)google(""), error, [](const error& e) { return e.code() == errc::invalid_argument; });
}

BOOST_AUTO_TEST_CASE(a_token_that_expires_soon_is_asked_for_again) {
    answers = {google_answer(jwt(R"({"exp":1766003600})"))};
    const token_provider tokens = identity::make_provider(context, google());
    (void)await(io, tokens.token());
    now += 55min - 1s;
    (void)await(io, tokens.token());
    BOOST_TEST(requests.size() == 1u);
    now += 1s;
    (void)await(io, tokens.token());
    BOOST_TEST(requests.size() == 2u);
}

// OAuth.

BOOST_AUTO_TEST_CASE(a_client_proves_itself_in_a_header_or_in_the_form) {
    answers = {json(R"({"access_token":"planted-secret-token","token_type":"bearer"})")};
    oauth_client client(server.url() + "/token", "id:1", "planted-secret-value");
    client.scope = "read write";
    client.parameters.emplace("audience", "https://a");
    const access_token token = get(identity::oauth_client_credentials(context, client));
    BOOST_TEST((token.expires_at == now + 5min));
    BOOST_TEST(requests[0].field("Authorization") == "Basic " + corun::base64::encode("id%3A1:planted-secret-value"));
    BOOST_TEST(requests[0].body == "grant_type=client_credentials&scope=read%20write&audience=https%3A%2F%2Fa");
    client.method = oauth_client::authentication::client_secret_post;
    (void)get(identity::oauth_client_credentials(context, client));
    BOOST_TEST(requests[1].field("Authorization").empty());
    BOOST_TEST(says(requests[1].body, "&client_id=id%3A1&client_secret=planted-secret-value&"));
}

BOOST_AUTO_TEST_CASE(a_client_proves_itself_with_a_jwt_of_its_own_for_each_request) {
    answers = {json(R"({"access_token":"planted-secret-token","token_type":"bearer"})"),
               json(R"({"error":"invalid_client","error_description":"bad planted-secret-jwt-2"})", 401)};
    oauth_client client(server.url() + "/token", "id:1", {});
    client.method = oauth_client::authentication::private_key_jwt;
    BOOST_CHECK_EXCEPTION((void)identity::oauth_client_credentials(context, client), error,
                          [](const error& e) { return e.code() == errc::invalid_argument; });
    int assertions = 0;
    client.client_assertion = [&assertions] { return secret("planted-secret-jwt-" + std::to_string(++assertions)); };
    const auto fetch = identity::oauth_client_credentials(context, client);
    BOOST_TEST(get(fetch).value.reveal() == "planted-secret-token");
    BOOST_TEST(requests[0].field("Authorization").empty());
    BOOST_TEST(requests[0].body ==
               "grant_type=client_credentials&client_id=id%3A1"
               "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
               "&client_assertion=planted-secret-jwt-1");
    const std::string message = failure(fetch);
    BOOST_TEST(says(requests[1].body, "&client_assertion=planted-secret-jwt-2"));
    BOOST_TEST(says(message, "invalid_client"), message);
    BOOST_TEST(!says(message, "planted-secret-jwt"), message);

    client.client_assertion = []() -> secret { throw std::runtime_error("the key is locked"); };
    BOOST_TEST(says(failure(identity::oauth_client_credentials(context, client)), "the key is locked"));
}

BOOST_AUTO_TEST_CASE(an_oauth_refusal_hides_what_was_sent) {
    oauth_client client(server.url() + "/token", "id", "planted-secret-value");
    const std::string header = corun::base64::encode("id:planted-secret-value");
    answers = {json(R"({"error":"invalid_client","error_description":"got Basic )" + header + "\"}", 401)};
    const std::string message = failure(identity::oauth_client_credentials(context, client));
    BOOST_TEST(says(message, "invalid_client: got "), message);
    BOOST_TEST(!says(message, header), message);
}

BOOST_AUTO_TEST_CASE(a_token_endpoint_is_https_or_this_machine) {
    const std::pair<const char*, errc> cases[] = {
        {"http://login.example/token", errc::insecure_endpoint},
        {"http://169.254.169.254/token", errc::insecure_endpoint},
        {"https://user:planted-secret-value@login.example", errc::invalid_endpoint},
        {"login.example", errc::invalid_endpoint}};
    for (const auto& [url, code] : cases)
        BOOST_CHECK_EXCEPTION(
            (void)identity::oauth_client_credentials(context, oauth_client(url, "id", "planted-secret-value")), error,
            [code = code](const error& e) { return e.code() == code && !says(e.what(), "planted-secret-value"); });
}

// The public functions.

BOOST_AUTO_TEST_CASE(public_credentials_take_what_they_need_from_the_options) {
    answers = {entra_token};
    (void)environment();
    identity_options options = context->options;
    const credential from_environment = environment_credential(io.get_executor(), options);
    BOOST_TEST(from_environment.can_refresh());
    BOOST_TEST(await(io, from_environment.token()).reveal() == "planted-secret-token");
    BOOST_TEST(await(io, default_credential(io.get_executor(), options).token()).reveal() == "planted-secret-token");
    (void)workload("assertion");
    BOOST_TEST(await(io, workload_identity_credential(io.get_executor(), options).token()).reveal() ==
               "planted-secret-token");
    answers = {imds_token};
    (void)imds();
    options.client_id = "mine";
    BOOST_TEST(await(io, managed_identity_credential(io.get_executor(), options).token()).reveal() ==
               "planted-secret-token");
    BOOST_TEST(requests.back().target().ends_with("&client_id=mine"));
    (void)cli(R"(echo '{"accessToken":"planted-secret-token","expires_on":1766007200}')");
    BOOST_TEST(await(io, azure_cli_credential(io.get_executor(), options).token()).reveal() == "planted-secret-token");
    const std::string token = jwt(R"({"exp":1766003600})");
    answers = {google_answer(token)};
    (void)google();
    BOOST_TEST(await(io, google_identity_token(io.get_executor(), "https://a", options).token()).reveal() == token);
    answers = {entra_token};
    const oauth_client client(server.url(), "id", "planted-secret-value");
    BOOST_TEST(await(io, oauth_client_credentials(io.get_executor(), client, options).token()).reveal() ==
               "planted-secret-token");
}

BOOST_AUTO_TEST_CASE(the_options_read_the_environment_of_the_process) {
    ::setenv("CORUN_TEST_VARIABLE", "value", 1);
    BOOST_TEST(identity_options().environment("CORUN_TEST_VARIABLE") == "value");
    ::unsetenv("CORUN_TEST_VARIABLE");
    BOOST_TEST(identity_options().environment("CORUN_TEST_VARIABLE").empty());
}

BOOST_AUTO_TEST_SUITE_END()
