// What a caller gets wrong is told before anything is sent.
#include "emulated.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;

struct refused : emulated {
    /// The failure of a run, having checked that no request was sent for it.
    error refusal(asio::awaitable<event_stream> started) {
        const std::size_t before = service->requests().size();
        error failure = failure_of(io, std::move(started));
        BOOST_TEST(service->requests().size() == before);
        BOOST_TEST(failure.status() == 0);
        return failure;
    }

    static bool says(const error& failure, std::string_view text) {
        return std::string_view(failure.what()).find(text) != std::string_view::npos;
    }
};

error endpoint_refusal(asio::io_context& io, std::string endpoint, credential token) {
    try {
        corun::client made(io.get_executor(), std::move(endpoint), std::move(token));
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("the endpoint was accepted");
}

/// What a caller gives, and what it is refused with.
struct bad {
    bad(std::string about, std::string given, errc expected, std::function<void()> call)
        : kind(std::move(about)), what(std::move(given)), code(expected), attempt(std::move(call)) {}

    std::string kind, what;
    errc code;
    std::function<void()> attempt;
};

const std::string not_utf8 = "caf\xe9";

/// Every call that takes something from the caller, with what must not be taken.
struct table : refused {
    table() {
        agent_definition definition("gpt-4o");
        definition.tools.push_back(mcp_tool("bookings", mcp->url()));
        definition.tools.push_back(mcp_tool("far", "http://mcp.example/mcp"));
        definition.tools.push_back(function_tool("get_weather", "The weather.", "{}"));
        stored = await(io, client->create_agent(std::move(definition)));
        conversation = await(io, client->create_thread());
        store = await(io, client->create_vector_store());
        service->script("wait", {emulator::step::call_function("get_weather", "{}")});
        waiting = await(io, make_plain_agent().run_stream(conversation, "wait"));
        (void)await(io, collect(waiting));
        BOOST_REQUIRE(waiting.waits_for_answers());
        run_id = waiting.run_id();
        add_endpoints();
        add_ids();
        add_empty_handles();
        add_labels_and_headers();
        add_json();
        add_ranges();
        add_texts();
        add_tools();
        add_answers();
        add_files();
    }

    template <class T>
    void run(asio::awaitable<T> task) {
        (void)await(io, std::move(task));
    }
    void add(std::string kind, std::string what, errc code, std::function<void()> attempt) {
        rows.emplace_back(std::move(kind), std::move(what), code, std::move(attempt));
    }
    /// What `run_options` hold when they are changed so.
    template <class Change>
    void add_options(std::string kind, std::string what, Change change) {
        run_options options;
        change(options);
        add(kind, what, errc::invalid_argument, [=, this] { run(stored.run_stream(conversation, "hi", {}, options)); });
        add(kind, what + ", not streaming", errc::invalid_argument,
            [=, this] { run(stored.create_run(conversation, "hi", {}, options)); });
    }
    template <class Change>
    void add_agent(std::string kind, std::string what, errc code, Change change) {
        agent_definition definition("gpt-4o");
        change(definition);
        add(kind, what + ", new agent", code, [=, this] { run(client->create_agent(definition)); });
        add(kind, what + ", changed agent", code, [=, this] { run(stored.update(definition)); });
    }
    template <class Change>
    void add_thread(std::string kind, std::string what, Change change) {
        thread_definition definition;
        change(definition);
        add(kind, what + ", new thread", errc::invalid_argument, [=, this] { run(client->create_thread(definition)); });
        add(kind, what + ", changed thread", errc::invalid_argument,
            [=, this] { run(conversation.update(definition)); });
    }

    void add_endpoints() {
        const auto made = [this](const std::string& endpoint, credential token, client_options options = {}) {
            corun::client(io.get_executor(), endpoint, std::move(token), std::move(options));
        };
        for (const std::string endpoint : {"",
                                           "/",
                                           "services.ai.azure.com",
                                           "//host",
                                           "ftp://host/api",
                                           "https://",
                                           "https:///path",
                                           "https://ho st",
                                           "https://host\r\nX: y",
                                           "https://host\\x",
                                           "https://user:secret-value@host",
                                           "https://@host",
                                           "https://host?x=y",
                                           "https://host/#f",
                                           "https://host:0",
                                           "https://host:99999",
                                           "https://host:8o",
                                           "https://host:",
                                           "https://[::1",
                                           "https://[::1]x",
                                           "https://[x]",
                                           "https://h%6fst",
                                           "https://ho<st",
                                           "http//host",
                                           "https:host"})
            add("endpoint", endpoint, errc::invalid_endpoint,
                [=] { made(endpoint, credential::bearer("secret-value")); });
        add("endpoint", "with a NUL", errc::invalid_endpoint,
            [=] { made(std::string("https://host\0.example", 21), credential::bearer("secret-value")); });
        for (const std::string endpoint :
             {"http://service.example/api", "http://10.0.0.1", "http://0.0.0.0", "http://[::]", "http://[::2]",
              "http://127.0.0.1.example.com", "http://localhost.example.com", "http://localhost.", "http://127.1",
              "http://0127.0.0.1", "http://2130706433", "http://0x7f.0.0.1", "http://[::ffff:127.0.0.1]"}) {
            add("endpoint", endpoint, errc::insecure_endpoint,
                [=] { made(endpoint, credential::bearer("secret-value")); });
            add("endpoint", endpoint + ", a key", errc::insecure_endpoint,
                [=] { made(endpoint, credential::api_key("secret-value")); });
        }
        for (const std::string endpoint :
             {"https://api.openai.com/v1", "https://API.OpenAI.com/v1/", "https://eu.api.openai.com/v1"})
            add("endpoint", endpoint + ", a key", errc::invalid_argument,
                [=] { made(endpoint, credential::api_key("secret-value")); });
        client_options options;
        options.api_version = "";
        add("client options", "no api_version", errc::invalid_argument,
            [=] { made("https://host", credential(), options); });
        for (const std::string id : {"a\r\nX: y", "a\x7f", " a"}) {
            client_options other;
            other.application_id = id;
            add("client options", "application_id", errc::invalid_argument,
                [=] { made("https://host", credential(), other); });
        }
    }

    void add_ids() {
        using call = std::function<void(std::string)>;
        const std::pair<const char*, call> calls[] = {
            {"get_agent", [this](std::string id) { run(client->get_agent(id)); }},
            {"delete_agent", [this](std::string id) { run(client->delete_agent(id)); }},
            {"get_thread", [this](std::string id) { run(client->get_thread(id)); }},
            {"delete_thread", [this](std::string id) { run(client->delete_thread(id)); }},
            {"get_file", [this](std::string id) { run(client->get_file(id)); }},
            {"delete_file", [this](std::string id) { run(client->delete_file(id)); }},
            {"download_file, sink",
             [this](std::string id) { run(client->download_file(id, [](std::string_view) {})); }},
            {"download_file, stream", [this](std::string id) { run(client->download_file(id, std::ref(into))); }},
            {"get_vector_store", [this](std::string id) { run(client->get_vector_store(id)); }},
            {"delete_vector_store", [this](std::string id) { run(client->delete_vector_store(id)); }},
            {"get_message", [this](std::string id) { run(conversation.get_message(id)); }},
            {"update_message", [this](std::string id) { run(conversation.update_message(id, {})); }},
            {"delete_message", [this](std::string id) { run(conversation.delete_message(id)); }},
            {"get_run", [this](std::string id) { run(conversation.get_run(id)); }},
            {"update_run", [this](std::string id) { run(conversation.update_run(id, {})); }},
            {"cancel_run", [this](std::string id) { run(conversation.cancel_run(id)); }},
            {"wait_for_run", [this](std::string id) { run(conversation.wait_for_run(id)); }},
            {"get_step, run", [this](std::string id) { run(conversation.get_step(id, "step_1")); }},
            {"get_step", [this](std::string id) { run(conversation.get_step("run_1", id)); }},
            {"list_steps", [this](std::string id) { run(conversation.list_steps(id).next()); }},
            {"submit", [this](std::string id) { run(conversation.submit(id, answer())); }},
            {"submit_stream", [this](std::string id) { run(conversation.submit_stream(id, answer())); }},
            {"vector_store::get_file", [this](std::string id) { run(store.get_file(id)); }},
            {"vector_store::remove_file", [this](std::string id) { run(store.remove_file(id)); }},
            {"wait_for_file", [this](std::string id) { run(store.wait_for_file(id)); }},
            {"get_batch", [this](std::string id) { run(store.get_batch(id)); }},
            {"cancel_batch", [this](std::string id) { run(store.cancel_batch(id)); }},
            {"list_batch_files", [this](std::string id) { run(store.list_batch_files(id).next()); }},
            {"wait_for_batch", [this](std::string id) { run(store.wait_for_batch(id)); }},
        };
        for (const auto& [name, make] : calls)
            for (const std::string id : {"", ".", ".."})
                add("id", std::string(name) + " '" + id + "'", errc::invalid_argument, [make = make, id] { make(id); });
        add("id", "add_file ''", errc::invalid_argument, [this] { run(store.add_file("")); });
    }

    void add_empty_handles() {
        const std::pair<const char*, std::function<void()>> calls[] = {
            {"agent::run_stream", [this] { run(agent().run_stream("hi")); }},
            {"agent::run", [this] { run(agent().run("hi")); }},
            {"agent::create_run", [this] { run(agent().create_run("hi")); }},
            {"agent::refresh", [this] { run(agent().refresh()); }},
            {"agent::update", [this] { run(agent().update(agent_definition("gpt-4o"))); }},
            {"agent::remove", [this] { run(agent().remove()); }},
            {"agent_thread::refresh", [this] { run(corun::agent_thread().refresh()); }},
            {"agent_thread::update", [this] { run(corun::agent_thread().update(thread_definition())); }},
            {"agent_thread::remove", [this] { run(corun::agent_thread().remove()); }},
            {"agent_thread::add_message", [this] { run(corun::agent_thread().add_message("hi")); }},
            {"agent_thread::get_run", [this] { run(corun::agent_thread().get_run("run_1")); }},
            {"agent_thread::submit", [this] { run(corun::agent_thread().submit("run_1", answer())); }},
            {"agent_thread::submit_stream", [this] { run(corun::agent_thread().submit_stream("run_1", answer())); }},
            {"vector_store::refresh", [this] { run(vector_store().refresh()); }},
            {"vector_store::add_file", [this] { run(vector_store().add_file("file_1")); }},
            {"vector_store::wait", [this] { run(vector_store().wait()); }},
            {"event_stream::submit", [this] { run(event_stream().submit(answer())); }},
        };
        for (const auto& [name, attempt] : calls) add("empty handle", name, errc::invalid_argument, attempt);
    }

    void add_labels_and_headers() {
        const auto given = [this](std::string what, errc code, mcp_headers all) {
            add("MCP headers", what, code, [=, this] { run(stored.run_stream("hi", all)); });
            add("MCP headers", what + ", in a thread", code,
                [=, this] { run(stored.run_stream(conversation, "hi", all)); });
            add("MCP headers", what + ", not streaming", code, [=, this] { run(stored.create_run("hi", all)); });
            const mcp_header_provider provider = [all](mcp_header_request) -> asio::awaitable<mcp_headers> {
                co_return all;
            };
            add("MCP headers", what + ", from a provider", code, [=, this] { run(stored.run_stream("hi", provider)); });
        };
        for (const std::string& label :
             {std::string(), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f")}) {
            mcp_headers all;
            all.set(label, "Authorization", "Bearer secret-value");
            given("label", errc::invalid_server_label, all);
            run_options options;
            options.require_approval.emplace(label, mcp_approval::never());
            add("label", "require_approval", errc::invalid_server_label,
                [=, this] { run(stored.run_stream("hi", {}, options)); });
            add_agent("label", "tool", errc::invalid_server_label,
                      [&](agent_definition& d) { d.tools.push_back(mcp_tool(label, "https://a")); });
        }
        for (const std::string label : {"bookngs", "Bookings", "bookings ", "*"}) {
            mcp_headers all;
            all.set(label, "Authorization", "Bearer secret-value");
            given("unknown label", errc::unknown_server_label, all);
            run_options options;
            options.require_approval.emplace(label, mcp_approval::never());
            add("label", "unknown, require_approval", errc::unknown_server_label,
                [=, this] { run(stored.run_stream("hi", {}, options)); });
        }
        const std::pair<std::string, std::string> fields[] = {
            {"Authorization", "Bearer secret-value\r\nX-Injected: 1"},
            {"Authorization", "Bearer secret-value\n"},
            {"Authorization", "\rBearer secret-value"},
            {"Authorization", std::string("Bearer secret-value\0", 20)},
            {"Authorization", "secret-value\x7f"},
            {"Authorization", " secret-value"},
            {"Authorization", "secret-value\t"},
            {"Author ization", "secret-value"},
            {"Authorization\r\nX", "secret-value"},
            {"Authorization:", "secret-value"},
            {std::string("A\0", 2), "secret-value"},
            {"(a)", "secret-value"},
            {"", "secret-value"},
            {"Authori\xc3\xa9", "secret-value"},
        };
        for (const auto& [name, value] : fields) {
            mcp_headers all;
            all.set("bookings", name, value);
            given("field", errc::invalid_header, all);
            submission answers;
            answers.approve("call_1", headers(header(name, value)));
            add("approval headers", "submit", errc::invalid_header,
                [=, this] { run(conversation.submit("run_1", answers)); });
        }
        headers twice;
        twice.add(header("Authorization", "secret-value")).add(header("authorization", "secret-value"));
        mcp_headers all;
        all.set("bookings", twice);
        given("a name twice", errc::invalid_header, all);
        mcp_headers far;
        far.set("far", "Authorization", "Bearer secret-value");
        given("over plain http", errc::insecure_endpoint, far);
        for (const std::string url :
             {"", "mcp.example", "ftp://mcp.example", "http://mcp.example", "http://0127.0.0.1/mcp",
              "http://localhost.example.com", "https://", "https://mcp example"}) {
            run_options options;
            options.tools.push_back(mcp_tool("new", url));
            mcp_headers some;
            some.set("new", "Authorization", "Bearer secret-value");
            const bool is_url = url.empty() || url.starts_with("http://");
            add("MCP server's URL", url, is_url ? errc::insecure_endpoint : errc::invalid_argument,
                [=, this] { run(stored.create_run(conversation, "hi", some, options)); });
        }
    }

    void add_json() {
        const std::string deep = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + '}';
        add_options("JSON", "extra_json too deep", [&](run_options& o) { o.extra_json = deep; });
        add_options("JSON", "parameters too deep",
                    [&](run_options& o) { o.tools.push_back(function_tool("f", "", deep)); });
        add_options("JSON", "response_format too deep",
                    [&](run_options& o) { o.response_format = response_format::from_json(deep); });
        add_agent("JSON", "json_tool too deep", errc::invalid_argument,
                  [&](agent_definition& d) { d.tools.push_back(json_tool("openapi", deep)); });
        for (const std::string extra :
             {"{", "[]", "1", "null", "{}x", R"({"assistant_id":"asst_2"})", R"({"tool_resources":{}})",
              R"({"stream":false})", R"({"tools":[]})", R"({"thread":{}})", R"({"additional_messages":[]})",
              R"({"model":"gpt-4o"})", R"({"metadata":{}})", "{\"a\":\"\xff\"}"})
            add_options("JSON", "extra_json " + extra, [&](run_options& o) { o.extra_json = extra; });
        for (const std::string parameters : {"{", "[]", "1", "null", "{\"a\":\"\xff\"}", "nonsense"}) {
            add_options("JSON", "parameters " + parameters,
                        [&](run_options& o) { o.tools.push_back(function_tool("f", "", parameters)); });
            add_options("JSON", "local_function " + parameters, [&](run_options& o) {
                o.functions.emplace_back("f", "", parameters, [](const function_call&) { return std::string(); });
            });
            add_agent("JSON", "parameters " + parameters, errc::invalid_argument,
                      [&](agent_definition& d) { d.tools.push_back(function_tool("f", "", parameters)); });
            add("JSON", "json_schema " + parameters, errc::invalid_argument,
                [=] { (void)response_format::json_schema("s", parameters); });
            add("JSON", "openapi " + parameters, errc::invalid_argument,
                [=] { (void)openapi("o", "", parameters, openapi_auth::anonymous()); });
        }
        for (const std::string text : {"{", "", "{}x", "\xff"}) {
            add_options("JSON", "json_tool " + text,
                        [&](run_options& o) { o.tools.push_back(json_tool("openapi", text)); });
            add_options("JSON", "response_format " + text,
                        [&](run_options& o) { o.response_format = response_format::from_json(text); });
            add_options("JSON", "tool_choice " + text,
                        [&](run_options& o) { o.tool_choice = tool_choice::from_json(text); });
            add_agent("JSON", "tool_resources " + text, errc::invalid_argument,
                      [&](agent_definition& d) { d.tool_resources.other["file_search"] = text; });
            add_thread("JSON", "tool_resources " + text,
                       [&](thread_definition& d) { d.tool_resources.other["file_search"] = text; });
        }
        for (const std::string type : {"mcp", "function"}) {
            add_agent("JSON", "json_tool of type " + type, errc::invalid_argument,
                      [&](agent_definition& d) { d.tools.push_back(json_tool(type, "{\"type\":\"" + type + "\"}")); });
            add_options("JSON", "json_tool of type " + type,
                        [&](run_options& o) { o.tools.push_back(json_tool(type, "{\"type\":\"" + type + "\"}")); });
        }
    }

    void add_ranges() {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinite = HUGE_VAL;
        for (const double value : {-0.1, 2.1, nan, infinite, -infinite})
            add_options("range", "temperature", [&](run_options& o) { o.temperature = value; });
        for (const double value : {-0.1, 1.1, nan, infinite})
            add_options("range", "top_p", [&](run_options& o) { o.top_p = value; });
        for (const double value : {-0.1, 2.1, nan})
            add_agent("range", "temperature", errc::invalid_argument,
                      [&](agent_definition& d) { d.temperature = value; });
        for (const int value : {255, 0, -1, std::numeric_limits<int>::min()}) {
            add_options("range", "max_prompt_tokens", [&](run_options& o) { o.max_prompt_tokens = value; });
            add_options("range", "max_completion_tokens", [&](run_options& o) { o.max_completion_tokens = value; });
        }
        add_options("range", "a negative time", [](run_options& o) { o.connect_timeout.emplace(-1); });
        add_options("range", "a negative time", [](run_options& o) { o.idle_timeout.emplace(-1); });
        add_options("range", "a negative time", [](run_options& o) { o.event_timeout.emplace(-1); });
        add_options("range", "a negative time", [](run_options& o) { o.total_timeout.emplace(-1); });
        add_options("range", "a negative time",
                    [](run_options& o) { o.mcp_header_timeout = std::chrono::milliseconds(-1); });
        for (const auto time :
             {&client_options::connect_timeout, &client_options::idle_timeout, &client_options::event_timeout,
              &client_options::total_timeout, &client_options::stop_timeout})
            add("range", "a negative time of a client", errc::invalid_argument, [=, this] {
                client_options options;
                options.*time = std::chrono::milliseconds(-1);
                corun::client(io.get_executor(), "http://127.0.0.1", credential(), options);
            });
        for (const int value : {0, -1}) {
            add("range", "last_messages", errc::invalid_argument,
                [=] { (void)truncation_strategy::last_messages(value); });
        }
        metadata many;
        for (int i = 0; i < 17; ++i) many["key " + std::to_string(i)] = "x";
        const metadata wrong[] = {
            many, {{std::string(65, 'k'), "x"}}, {{"k", std::string(513, 'x')}}, {{"k", not_utf8}}};
        for (const metadata& pairs : wrong) {
            add_options("metadata", "of a run", [&](run_options& o) { o.metadata = pairs; });
            add_agent("metadata", "of an agent", errc::invalid_argument,
                      [&](agent_definition& d) { d.metadata = pairs; });
            add_thread("metadata", "of a thread", [&](thread_definition& d) { d.metadata = pairs; });
            message said("hi");
            said.metadata = pairs;
            add("metadata", "of a message", errc::invalid_argument, [=, this] { run(conversation.add_message(said)); });
            add("metadata", "update_message", errc::invalid_argument,
                [=, this] { run(conversation.update_message("msg_1", pairs)); });
            add("metadata", "update_run", errc::invalid_argument,
                [=, this] { run(conversation.update_run("run_1", pairs)); });
            vector_store_definition definition;
            definition.metadata = pairs;
            add("metadata", "of a vector store", errc::invalid_argument,
                [=, this] { run(client->create_vector_store(definition)); });
        }
        for (const int size : {0, -1, 101, std::numeric_limits<int>::max()}) {
            list_options options;
            options.page_size = size;
            add("page size", "agents", errc::invalid_argument, [=, this] { run(client->list_agents(options).next()); });
            add("page size", "threads", errc::invalid_argument,
                [=, this] { run(client->list_threads(options).next()); });
            add("page size", "messages", errc::invalid_argument,
                [=, this] { run(conversation.list_messages(options).next()); });
            add("page size", "vector stores", errc::invalid_argument,
                [=, this] { run(client->list_vector_stores(options).next()); });
        }
    }

    void add_texts() {
        add("not UTF-8", "message", errc::invalid_argument, [this] { run(stored.run_stream(not_utf8)); });
        add("not UTF-8", "add_message", errc::invalid_argument, [this] { run(conversation.add_message(not_utf8)); });
        add_options("other protocol", "background", [](run_options& o) { o.background = true; });
        add_options("other protocol", "previous_response_id",
                    [](run_options& o) { o.previous_response_id = "resp_1"; });
        add_options("other protocol", "structured_inputs", [](run_options& o) { o.structured_inputs["city"] = "1"; });
        add("other protocol", "get_agent_version", errc::invalid_argument,
            [this] { run(client->get_agent_version("asst_1", "1")); });
        add("other protocol", "list_agent_versions", errc::invalid_argument,
            [this] { run(client->list_agent_versions("asst_1").next()); });
        add_options("other protocol", "store", [](run_options& o) { o.store = true; });
        add_response_options();
        add_options("not UTF-8", "model", [](run_options& o) { o.model = not_utf8; });
        add_options("not UTF-8", "instructions", [](run_options& o) { o.instructions = not_utf8; });
        add_options("not UTF-8", "additional_instructions",
                    [](run_options& o) { o.additional_instructions = not_utf8; });
        add_options("not UTF-8", "additional_messages",
                    [](run_options& o) { o.additional_messages.emplace_back(not_utf8); });
        add_options("not UTF-8", "function",
                    [](run_options& o) { o.tools.push_back(function_tool("f", not_utf8, "{}")); });
        add_agent("not UTF-8", "name", errc::invalid_argument, [](agent_definition& d) { d.name = not_utf8; });
        add_agent("not UTF-8", "instructions", errc::invalid_argument,
                  [](agent_definition& d) { d.instructions = not_utf8; });
        add("not UTF-8", "tool_choice", errc::invalid_argument, [] { (void)tool_choice::function(not_utf8); });
        add("not UTF-8", "output", errc::invalid_argument, [this] {
            submission answers;
            answers.output("call_1", not_utf8);
            run(conversation.submit("run_1", answers));
        });
        add("missing", "model", errc::invalid_argument, [this] { run(client->create_agent(agent_definition())); });
        run_options instructions, include;
        instructions.additional_instructions = "more";
        include.include.emplace_back("step_details");
        add("no thread", "additional_instructions", errc::invalid_argument,
            [=, this] { run(stored.run_stream("hi", {}, instructions)); });
        add("no thread", "include", errc::invalid_argument, [=, this] { run(stored.run_stream("hi", {}, include)); });
    }

    void add_response_options() {
        const std::pair<const char*, void (*)(run_options&)> members[] = {
            {"input_items", [](run_options& o) { o.input_items = "[]"; }},
            {"reasoning", [](run_options& o) { o.reasoning = reasoning("low"); }},
            {"verbosity", [](run_options& o) { o.verbosity = "low"; }},
            {"context_management",
             [](run_options& o) { o.context_management.push_back(context_management::compaction(1000)); }},
            {"prompt_cache_key", [](run_options& o) { o.prompt_cache_key = "k"; }},
            {"prompt_cache_options", [](run_options& o) { o.prompt_cache_options.emplace(); }},
            {"max_tool_calls", [](run_options& o) { o.max_tool_calls = 1; }},
            {"service_tier", [](run_options& o) { o.service_tier = "flex"; }},
            {"moderation", [](run_options& o) { o.moderation = moderation("m"); }},
            {"safety_identifier", [](run_options& o) { o.safety_identifier = "u"; }},
            {"include_obfuscation", [](run_options& o) { o.include_obfuscation = false; }},
            {"top_logprobs", [](run_options& o) { o.top_logprobs = 1; }},
            {"access_programs", [](run_options& o) { o.access_programs["cyber"] = "standard"; }},
        };
        for (const auto& [name, set] : members) add_options("other protocol", name, set);
        add("other protocol", "list_input_items", errc::invalid_argument,
            [this] { run(client->list_input_items("resp_1").next()); });
        add("other protocol", "compact", errc::invalid_argument, [this] { run(client->compact(model_input("m"))); });
        add("other protocol", "count_input_tokens", errc::invalid_argument,
            [this] { run(client->count_input_tokens(model_input("m"))); });
        add("other protocol", "download_container_file", errc::invalid_argument,
            [this] { run(client->download_container_file("c", "f", [](std::string_view) {})); });
        add("other protocol", "content_block::file", errc::invalid_argument,
            [this] { run(stored.run_stream(message("hi").add(content_block::file("file-1")))); });
        add("other protocol", "deny with a reason", errc::invalid_argument, [this] {
            submission answers;
            answers.deny("call_1", "no");
            run(conversation.submit("run_1", answers));
        });
        add("other protocol", "an image as output", errc::invalid_argument, [this] {
            submission answers;
            answers.output("call_1", std::vector{content_block::image_url("https://x/y.png")});
            run(conversation.submit("run_1", answers));
        });
    }

    void add_tools() {
        add_options("tools", "the same function twice", [](run_options& o) {
            o.tools.push_back(function_tool("f", "", "{}"));
            o.tools.push_back(function_tool("f", "", "{}"));
        });
        add_options("tools", "a function twice, once local", [](run_options& o) {
            o.tools.push_back(function_tool("f", "", "{}"));
            o.functions.emplace_back("f", "", "{}", [](const function_call&) { return std::string(); });
        });
        add_options("tools", "the same type twice", [](run_options& o) {
            o.tools.push_back(code_interpreter());
            o.tools.push_back(code_interpreter());
        });
        add_options("tools", "a function without a name",
                    [](run_options& o) { o.tools.push_back(function_tool("", "", "{}")); });
        add_options("tools", "a local function without a name", [](run_options& o) {
            o.functions.emplace_back("", "", "{}", [](const function_call&) { return std::string(); });
        });
        add_agent("tools", "a function without a name", errc::invalid_argument,
                  [](agent_definition& d) { d.tools.push_back(function_tool("", "", "{}")); });
        for (const char* url : {"ftp://far", "far", "/mcp", "https://", "https://a b"}) {
            add_options("tools", "a server that is at no URL",
                        [&](run_options& o) { o.tools.push_back(mcp_tool("new", url)); });
            add_agent("tools", "a server that is at no URL", errc::invalid_argument,
                      [&](agent_definition& d) { d.tools.push_back(mcp_tool("new", url)); });
        }
        add_options("tools", "a function without a handler",
                    [](run_options& o) { o.functions.emplace_back("f", "", "{}", function_handler()); });
        add_agent("tools", "a label twice", errc::duplicate_server_label, [](agent_definition& d) {
            d.tools.push_back(mcp_tool("x", "https://a"));
            d.tools.push_back(mcp_tool("x", "https://b"));
        });
        run_options twice, differs, streaming;
        twice.tools.push_back(mcp_tool("x", "https://a"));
        twice.tools.push_back(mcp_tool("x", "https://b"));
        add("tools", "a label twice", errc::duplicate_server_label,
            [=, this] { run(stored.run_stream("hi", {}, twice)); });
        differs.tools.push_back(mcp_tool("bookings", "https://elsewhere.example"));
        add("tools", "another URL", errc::conflicting_tool_definition,
            [=, this] { run(stored.run_stream("hi", {}, differs)); });
        streaming.tools.push_back(function_tool("new", "", "{}"));
        add("tools", "beside headers in a stream", errc::tools_with_mcp_headers_streaming,
            [=, this] { run(stored.run_stream("hi", token("secret-value"), streaming)); });
        streaming.tools.push_back(mcp_tool("new", "https://new.example"));
        add("tools", "a new server in a stream", errc::mcp_tool_not_on_agent,
            [=, this] { run(stored.run_stream("hi", token("secret-value"), streaming)); });
        for (const int count : {0, 51, -1}) {
            add("tools", "file_search", errc::invalid_argument, [=] { (void)file_search(count); });
            bing_search search("connection");
            search.count = count;
            add("tools", "bing_grounding", errc::invalid_argument, [=] { (void)bing_grounding(search); });
        }
        for (const double score : {-0.1, 1.1, std::nan("")})
            add("tools", "ranking", errc::invalid_argument,
                [=] { (void)file_search(5, ranking_options("auto", score)); });
        add("tools", "21 files", errc::invalid_argument,
            [] { tool_resources().set_code_interpreter(std::vector<std::string>(21, "file")); });
        add("tools", "2 vector stores", errc::invalid_argument, [] {
            tool_resources().set_file_search({"vs_1", "vs_2"});
        });
        mcp_tool_resource resource("bookings");
        resource.headers.set("Authorization", "Bearer secret-value");
        add_agent("stored headers", "as entry", errc::invalid_argument,
                  [&](agent_definition& d) { d.tool_resources.mcp.push_back(resource); });
        add_thread("stored headers", "as entry",
                   [&](thread_definition& d) { d.tool_resources.mcp.push_back(resource); });
        const std::string bare = R"([{"server_label":"bookings","headers":{"Authorization":"Bearer secret-value"}}])";
        add_agent("stored headers", "as JSON", errc::invalid_argument,
                  [&](agent_definition& d) { d.tool_resources.other["mcp"] = bare; });
        add_thread("stored headers", "as JSON", [&](thread_definition& d) { d.tool_resources.other["mcp"] = bare; });
    }

    static submission answer() {
        submission answers;
        answers.output("call_1", "sunny");
        return answers;
    }

    void add_answers() {
        add("answers", "none, submit", errc::invalid_argument,
            [this] { run(conversation.submit(run_id, submission())); });
        add("answers", "none, to the stream", errc::invalid_argument, [this] { run(waiting.submit(submission())); });
        add("answers", "bad headers for a call that is not, to the stream", errc::invalid_header, [this] {
            submission answers;
            answers.approve("call_1", headers(header("Authorization", "secret-value\r\nX: y")));
            run(waiting.submit(answers));
        });
    }

    void add_files() {
        const auto upload = [this](std::string what, file_upload file) {
            add("file", std::move(what), errc::invalid_argument, [=, this] { run(client->upload_file(file)); });
        };
        for (const std::string& name : {std::string(), not_utf8, std::string("a\0b", 3), std::string("\x1b[2J")})
            upload("name", file_upload::from_bytes(name, "bytes"));
        file_upload file = file_upload::from_bytes("name", "bytes");
        file.purpose = "";
        upload("no purpose", file);
        file.purpose = "assistants";
        for (const char* type : {"", "text/plain\r\nX: y", " "}) {
            file.content_type = type;
            upload("content type", file);
        }
        upload("a directory", file_upload::from_file("/"));
        add("file", "no sink", errc::invalid_argument,
            [this] { run(client->download_file("file_1", std::function<void(std::string_view)>())); });
        add("file", "a path without a name", errc::invalid_argument,
            [this] { run(client->download_file("file_1", std::filesystem::path("/tmp/"))); });
        add("vector store", "no files", errc::invalid_argument, [this] { run(store.add_files({})); });
        add("vector store", "no data sources", errc::invalid_argument, [this] { run(store.add_data_sources({})); });
        for (const auto& [size, overlap] :
             {std::pair(99, 0), std::pair(4097, 0), std::pair(100, 51), std::pair(100, -1)})
            add("vector store", "chunking", errc::invalid_argument,
                [this, chunking = static_chunking(size, overlap)] { run(store.add_file("file_1", chunking)); });
        for (const int days : {0, 366, -1}) {
            vector_store_definition definition;
            definition.expires_after_days = days;
            add("vector store", "expires", errc::invalid_argument,
                [=, this] { run(client->create_vector_store(definition)); });
        }
    }

    agent stored;
    corun::agent_thread conversation;
    vector_store store;
    event_stream waiting;
    std::string run_id;
    std::ostringstream into;
    std::vector<bad> rows;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_input, refused)

BOOST_AUTO_TEST_CASE(an_unknown_server_label_lists_the_known_ones) {
    agent a = make_agent();
    mcp_headers headers;
    headers.set("bookngs", "Authorization", "Bearer planted-secret-value");
    const error failure = refusal(a.run_stream("hi", headers));
    BOOST_TEST(failure.code() == errc::unknown_server_label);
    BOOST_TEST(says(failure, "bookngs"));
    BOOST_TEST(says(failure, "bookings"));
    BOOST_TEST(!says(failure, "planted-secret-value"));
}

BOOST_AUTO_TEST_CASE(a_header_that_http_does_not_allow_is_refused_without_showing_its_value) {
    agent a = make_agent();
    const std::pair<std::string, std::string> headers[] = {
        {"Authorization", "Bearer planted-secret-value\r\nX-Injected: 1"},
        {"Authorization", "Bearer planted-secret-value\n"},
        {"Authorization", std::string("Bearer planted-secret-value\0", 28)},
        {"Authorization", "planted-secret-value\x7f"},
        {"Author ization", "planted-secret-value"},
        {"Authorization\r\nX", "planted-secret-value"},
        {"Authorization:", "planted-secret-value"},
        {"", "planted-secret-value"},
        {"Authori\xc3\xa9", "planted-secret-value"},
    };
    for (const auto& [name, value] : headers) {
        mcp_headers given;
        given.set("bookings", name, value);
        const error failure = refusal(a.run_stream("hi", given));
        BOOST_TEST(failure.code() == errc::invalid_header);
        BOOST_TEST(says(failure, "bookings"));
        BOOST_TEST(!says(failure, "planted-secret-value"));
        BOOST_TEST(!says(failure, "\r"));
        BOOST_TEST(!says(failure, "\n"));
    }
}

BOOST_AUTO_TEST_CASE(a_credential_goes_over_https_or_to_loopback_only) {
    for (const char* endpoint : {"http://service.example/api", "http://10.0.0.1", "http://127.0.0.1.example.com",
                                 "http://localhost.example.com"}) {
        const error failure = endpoint_refusal(io, endpoint, credential::bearer("planted-secret-value"));
        BOOST_TEST(failure.code() == errc::insecure_endpoint);
        BOOST_TEST(!says(failure, "planted-secret-value"));
        corun::client without(io.get_executor(), endpoint, credential());
        (void)without;
    }
    for (const char* endpoint :
         {"https://service.example/api", "http://127.0.0.1:1/x", "http://localhost:1", "http://[::1]:1"})
        corun::client fine(io.get_executor(), endpoint, credential::bearer("planted-secret-other"));
}

BOOST_AUTO_TEST_CASE(an_id_cannot_leave_its_place_in_the_path) {
    const error failure = failure_of(io, client->get_agent("x/../../threads?y=z#"));
    BOOST_TEST(failure.code() == errc::not_found);
    BOOST_TEST(service->requests().back().path.starts_with("/assistants/"));
}

BOOST_AUTO_TEST_CASE(a_definition_that_would_store_mcp_headers_is_refused) {
    const std::size_t before = service->requests().size();
    agent_definition definition("gpt-4o");
    definition.tools.push_back(mcp_tool("bookings", mcp->url()));
    mcp_tool_resource resource("bookings");
    resource.headers.set("Authorization", "Bearer planted-secret-value");
    definition.tool_resources.mcp.push_back(resource);
    const error from_agent = failure_of(io, [&] { return client->create_agent(definition); });
    BOOST_TEST(from_agent.code() == errc::invalid_argument);
    BOOST_TEST(!says(from_agent, "planted-secret-value"));
    thread_definition conversation;
    conversation.tool_resources.mcp.push_back(resource);
    BOOST_TEST(failure_of(io, [&] { return client->create_thread(conversation); }).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(a_definition_that_would_store_mcp_headers_as_bare_json_is_refused) {
    agent a = make_agent();
    corun::agent_thread t = await(io, client->create_thread());
    const std::size_t before = service->requests().size();
    tool_resources bare;
    bare.other["mcp"] = R"([{"server_label":"bookings","headers":{"Authorization":"Bearer planted-secret-value"}}])";
    agent_definition definition("gpt-4o");
    definition.tool_resources = bare;
    thread_definition conversation;
    conversation.tool_resources = bare;
    agent_definition with_tool("gpt-4o");
    with_tool.tools.push_back(json_tool("mcp", R"({"type":"mcp","server_label":"bookings"})"));
    for (const error& failure : {failure_of(io, [&] { return client->create_agent(definition); }),
                                 failure_of(io, [&] { return a.update(definition); }),
                                 failure_of(io, [&] { return client->create_thread(conversation); }),
                                 failure_of(io, [&] { return t.update(conversation); }),
                                 failure_of(io, [&] { return client->create_agent(with_tool); }),
                                 failure_of(io, [&] { return a.update(with_tool); })}) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        BOOST_TEST(!says(failure, "planted-secret-value"));
    }
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(a_credential_that_fails_or_gives_nonsense_is_named) {
    const std::pair<std::function<asio::awaitable<secret>()>, const char*> sources[] = {
        {[]() -> asio::awaitable<secret> {
             std::string why = "no identity here";
             throw std::runtime_error(why);
             co_return secret();
         },
         "no identity here"},
        {[]() -> asio::awaitable<secret> { co_return secret(); }, "empty"},
        {[]() -> asio::awaitable<secret> { co_return secret("planted-secret-value\r\nX: y"); }, "characters"},
    };
    const std::size_t before = service->requests().size();
    for (const auto& [source, why] : sources) {
        corun::client other(io.get_executor(), service->endpoint(), credential::callback(source));
        const error failure = failure_of(io, other.get_agent("asst_1"));
        BOOST_TEST(failure.code() == errc::credential_failed);
        BOOST_TEST(says(failure, why));
        BOOST_TEST(!says(failure, "planted-secret-value"));
    }
    BOOST_TEST(service->requests().size() == before);
}

BOOST_FIXTURE_TEST_CASE(everything_in_the_table_is_refused_before_anything_is_sent, table) {
    std::map<std::string, std::map<std::string, int>> counts;
    for (const bad& row : rows) {
        BOOST_TEST_CONTEXT(row.kind << ": " << row.what) {
            const std::size_t before = service->requests().size(), mcp_before = mcp->calls().size();
            try {
                row.attempt();
                BOOST_ERROR("it was accepted");
            } catch (const error& failure) {
                BOOST_TEST(failure.code() == row.code, failure.what());
                BOOST_TEST(failure.status() == 0);
                BOOST_TEST(!failure.details().message.empty());
                BOOST_TEST(!says(failure, "secret-value"));
                BOOST_TEST(std::string_view(failure.what()).find_first_of("\r\n") == std::string_view::npos);
            }
            BOOST_TEST(service->requests().size() == before);
            BOOST_TEST(mcp->calls().size() == mcp_before);
            ++counts[row.kind]
                    [row.code == errc::invalid_argument ? "invalid_argument" : make_error_code(row.code).message()];
        }
    }
    std::ostringstream told;
    for (const auto& [kind, codes] : counts)
        for (const auto& [code, count] : codes)
            told << std::left << std::setw(20) << kind << std::right << std::setw(5) << count << "  " << code << '\n';
    BOOST_TEST_MESSAGE(told.str() << rows.size() << " bad inputs, each refused before anything was sent");
}

BOOST_FIXTURE_TEST_CASE(a_run_that_is_gone_on_with_is_read_but_not_answered_with_bad_headers, table) {
    submission answers;
    answers.approve("call_1", headers(header("Authorization", "secret-value\r\nX: y")));
    const std::size_t before = service->requests().size();
    const error failure = failure_of(io, conversation.submit_stream(run_id, answers));
    BOOST_TEST(failure.code() == errc::invalid_header);
    BOOST_TEST(!says(failure, "secret-value"));
    for (std::size_t i = before; i < service->requests().size(); ++i)
        BOOST_TEST(service->requests()[i].method == "GET");
}

BOOST_AUTO_TEST_SUITE_END()
