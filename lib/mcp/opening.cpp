// How a session begins: which revision the server speaks, and the handshake of the legacy ones.
#include "async/attempt.hpp"
#include "mcp/session_state.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace corun::mcp {
namespace {

/// The first is what this client proposes.
constexpr std::array<std::string_view, 5> legacy_versions{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05",
                                                          "2024-10-07"};
constexpr std::chrono::milliseconds longest_probe = std::chrono::seconds{10};

std::string client_info(const server_options& options) {
    return R"({"name":)" + json_string(options.client_name) + R"(,"version":)" + json_string(options.client_version) +
           "}";
}

std::string modern_meta(const server_options& options) {
    return R"("io.modelcontextprotocol/protocolVersion":")" + std::string(modern_version) +
           R"(","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":)" +
           client_info(options);
}

/// Ids go into a header field.
bool is_session_id(std::string_view id) noexcept {
    return std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

bool is_newer(std::string_view version) noexcept {
    return version > modern_version;
}

[[noreturn]] void throw_no_common_version(const session::state& self, const rpc_error& problem) {
    std::string versions;
    for (const std::string& each : problem.supported) versions += (versions.empty() ? "" : ", ") + detail::escape(each);
    throw named(*self.server, "server/discover",
                error(errc::bad_response, "the server speaks no revision that corun does, only " + versions));
}

void use_modern(session::state& self) {
    self.server->era = self.era = era::modern;
    self.version = modern_version;
    self.id = {};
    ++self.openings;
}

rpc_call plain_call(const session::state& self, std::string method) {
    rpc_call call;
    call.method = std::move(method);
    call.total = self.server->options.request_timeout;
    return call;
}

enum class verdict { modern, legacy, no_answer };

/// Reads the answer to `server/discover`.
verdict read_discovery(session::state& self, const incoming& response) {
    const int status = response.head.status;
    if (const rpc_error* problem = response.problem(); problem && problem->code == rpc_code::unsupported_version) {
        if (supports_modern(*problem)) return verdict::modern;
        const auto& versions = problem->supported;
        if (!versions.empty() && std::all_of(versions.begin(), versions.end(), is_newer))
            throw_no_common_version(self, *problem);
        return verdict::legacy;
    }
    // No verdict: the server may not even have seen the request. But some fail with 500 at a method they do not know.
    const bool is_redirect = status >= 300 && status < 400, is_unavailable = status == 429 || status > 501;
    if (status == 401 || status == 403 || is_redirect || is_unavailable)
        throw error_of(*self.server, "server/discover", response);
    if (!response.is_success() || response.problem() || !response.answer) return verdict::legacy;
    server_description description;
    try {
        description = decode_description(response.answer->result);
    } catch (const error&) {
        return verdict::legacy;
    }
    const auto& versions = description.versions;
    if (!versions || std::find(versions->begin(), versions->end(), modern_version) == versions->end())
        return verdict::legacy;
    self.instructions = std::move(description.instructions);
    self.has_tools = description.has_tools;
    return verdict::modern;
}

/// Whether a server that fails so may speak HTTP in another way than expected, so that it is worth asking otherwise.
bool is_odd_answer(const error& failure) noexcept {
    return failure.code() == errc::unexpected_content_type || failure.code() == errc::bad_response ||
           failure.code() == errc::connection_lost;
}

asio::awaitable<verdict> discover(std::shared_ptr<session::state> self, headers fields) {
    rpc_call call = plain_call(*self, "server/discover");
    const auto limit = self->server->options.request_timeout / 2;
    call.total = limit.count() > 0 ? std::min(limit, longest_probe) : longest_probe;
    // Prepared as a modern session would.
    session::state modern(self->server);
    modern.era = era::modern;
    modern.version = modern_version;
    for (const bool again : {false, true}) {
        outgoing probe = prepare(modern, call, fields);
        auto attempted = co_await detail::attempt(send(self->server, std::move(probe)));
        std::optional<incoming> response;
        try {
            response = attempted.take();
        } catch (const error& failure) {
            if (failure.code() == errc::total_timeout) co_return verdict::no_answer;
            if (!is_odd_answer(failure)) throw;
            co_return verdict::legacy;
        }
        const verdict found = read_discovery(*self, *response);
        const bool refused = found == verdict::modern && response->problem();
        if (!refused || again) co_return found;
    }
    co_return verdict::modern;
}

/// Takes the server's choice of a revision, and its session.
void read_initialization(session::state& self, incoming& response) {
    const server_description description = decode_description(response.answer->result);
    self.instructions = description.instructions;
    self.has_tools = description.has_tools;
    self.version = description.version;
    const std::string_view id = response.head.field("mcp-session-id");
    if (!is_session_id(id))
        throw named(*self.server, "initialize",
                    error(errc::bad_response, "the session id contains characters that are not allowed"));
    self.id = secret(id);
}

asio::awaitable<void> initialize(std::shared_ptr<session::state> self, headers fields) {
    self->era = era::unknown;
    self->version.clear();
    self->id = {};
    rpc_call call = plain_call(*self, "initialize");
    call.members = R"("protocolVersion":")" + std::string(legacy_versions.front()) +
                   R"(","capabilities":{},"clientInfo":)" + client_info(self->server->options);
    outgoing first = prepare(*self, call, fields);
    incoming response = co_await send(self->server, std::move(first));
    const rpc_error* problem = response.problem();
    if (problem && problem->code == rpc_code::unsupported_version && supports_modern(*problem) &&
        self->server->options.revisions == revisions::automatic) {
        use_modern(*self);
        co_return;
    }
    const int status = response.head.status;
    if (problem && status != 401 && status != 403) throw error_of(*self->server, "initialize", *problem);
    if (status == 404 || status == 405) {
        diagnostics details = error_of(*self->server, "initialize", response).details();
        details.message +=
            ": there is no Streamable HTTP at this URL, perhaps the older transport HTTP+SSE, which is not supported";
        throw error(status == 404 ? errc::not_found : errc::bad_request, std::move(details));
    }
    if (!response.is_success()) throw error_of(*self->server, "initialize", response);
    read_initialization(*self, response);
    if (std::find(legacy_versions.begin(), legacy_versions.end(), self->version) == legacy_versions.end()) {
        outgoing end = prepare(*self, call, fields);
        end.http_method = "DELETE";
        end.body.clear();
        end.id = 0;
        const bool has_session = !self->id.empty();
        if (has_session) send_in_background(self->server, std::move(end));
        throw named(*self->server, "initialize",
                    error(errc::bad_response,
                          "the server speaks the revision " + detail::quote(self->version) + ", which corun does not"));
    }
    outgoing initialized = prepare(*self, call, fields);
    initialized.method = "notifications/initialized";
    initialized.body = encode_notification(initialized.method, {});
    initialized.id = 0;
    auto accepted = co_await detail::attempt(send(self->server, std::move(initialized)));
    // Some servers answer it with an error, and work.
    if (accepted.has_value()) {
        const incoming answer = accepted.take();
        for (const int refusal : {401, 403, 404})
            if (answer.head.status == refusal) throw error_of(*self->server, "notifications/initialized", answer);
    }
    self->server->era = self->era = era::legacy;
    self->was_refused = false;
    ++self->openings;
}

/// With the server's choice remembered if it has made one.
asio::awaitable<bool> open(std::shared_ptr<session::state> self, headers fields) {
    server::state& server = *self->server;
    const revisions wanted = server.options.revisions;
    if (wanted == revisions::modern || (wanted == revisions::automatic && server.era == era::modern)) {
        use_modern(*self);
        co_return true;
    }
    if (wanted == revisions::automatic && server.era == era::unknown) {
        const verdict found = co_await discover(self, fields);
        if (found == verdict::modern) {
            use_modern(*self);
            co_return true;
        }
        co_await initialize(self, fields);
        // A server that was only slow is asked again next time.
        if (found == verdict::no_answer) server.era = era::unknown;
        co_return true;
    }
    co_await initialize(self, fields);
    co_return true;
}

}  // namespace

bool supports_modern(const rpc_error& problem) noexcept {
    return std::find(problem.supported.begin(), problem.supported.end(), modern_version) != problem.supported.end();
}

outgoing prepare(session::state& self, const rpc_call& call, const headers& fields) {
    outgoing request;
    request.method = call.method;
    request.id = ++self.last_request;
    request.fields = fields;
    request.fields.set("Accept", "application/json, text/event-stream");
    request.fields.set("Content-Type", "application/json");
    if (!self.version.empty()) request.fields.set("MCP-Protocol-Version", self.version);
    if (!self.id.empty()) request.fields.set("Mcp-Session-Id", self.id);
    std::string meta;
    if (self.era == era::modern) {
        request.fields.set("Mcp-Method", call.method);
        if (!call.name.empty()) request.fields.set("Mcp-Name", encoded_header_value(call.name));
        for (const header& field : call.parameters) request.fields.set(field.name, field.value);
        meta = modern_meta(self.server->options);
    }
    if (call.on_progress)
        meta += (meta.empty() ? "" : ",") + std::string(R"("progressToken":)") + std::to_string(request.id);
    std::string members = call.members;
    if (!meta.empty()) members += (members.empty() ? "" : ",") + std::string(R"("_meta":{)") + meta + "}";
    request.body = encode_request(request.id, call.method, members);
    request.continues = self.era != era::modern;
    request.can_be_repeated = call.can_be_repeated;
    request.idle = call.idle;
    request.total = call.total;
    request.on_progress = call.on_progress;
    return request;
}

asio::awaitable<void> ensure_open(std::shared_ptr<session::state> self, headers fields) {
    while (self->era == era::unknown) {
        if (!self->opening) self->opening = detail::task<bool>::start(self->server->executor, open(self, fields));
        const std::shared_ptr<detail::task<bool>> opening = self->opening;
        auto opened = co_await detail::attempt(detail::task<bool>::outcome_of_shielded(opening));
        if (self->opening == opening && opening->finished()) self->opening.reset();
        (void)opened.take();
    }
}

}  // namespace corun::mcp
