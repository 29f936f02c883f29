// What a client tells its observer, as spans of OpenTelemetry: one line of OTLP JSON for each on
// standard output, as the collector's otlpjsonfile receiver reads them. With SHOW_TRAFFIC set, all
// traffic goes to standard error, without its secrets.
//
// With a library of OpenTelemetry, the same attributes go into its spans; began and duration become
// the start and the end that it is told.
#include "main.hpp"
#include <corun/corun.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace {

using json = nlohmann::ordered_json;

std::string random_id(std::size_t digits) {
    static std::random_device random;
    std::string id;
    while (id.size() < digits) id += "0123456789abcdef"[random() & 15];
    return id;
}

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

/// Low in cardinality, as `error.type` must be: a status, or the sentence of a code.
std::string error_type(const std::error_code& code) {
    return code.category().name() + (": " + code.message());
}

class span {
public:
    enum kind { internal = 1, client = 3 };

    span(std::string name, kind what, std::chrono::system_clock::time_point began, std::chrono::nanoseconds duration) {
        const auto start = std::chrono::duration_cast<std::chrono::nanoseconds>(began.time_since_epoch());
        span_["spanId"] = random_id(16);
        span_["name"] = std::move(name);
        span_["kind"] = static_cast<int>(what);
        // 64-bit numbers are strings in the JSON of protobuf.
        span_["startTimeUnixNano"] = std::to_string(start.count());
        span_["endTimeUnixNano"] = std::to_string((start + duration).count());
        span_["attributes"] = json::array();
    }

    void set(const char* key, const std::string& value) {
        if (!value.empty()) add(key, "stringValue", value);
    }
    void set(const char* key, std::int64_t value) { add(key, "intValue", std::to_string(value)); }
    void set(const char* key, double value) { add(key, "doubleValue", value); }
    void fail(const std::string& type) {
        set("error.type", type);
        span_["status"]["code"] = 2;
    }

    /// The span as a child of this program's own, in a line of OTLP.
    void write(std::ostream& out) {
        static const std::string trace = random_id(32), parent = random_id(16);
        span_["traceId"] = trace;
        span_["parentSpanId"] = parent;
        json scope;
        scope["scope"]["name"] = "corun";
        scope["spans"].push_back(std::move(span_));
        json resource;
        resource["resource"]["attributes"].push_back(attribute("service.name", "stringValue", "observe"));
        resource["scopeSpans"].push_back(std::move(scope));
        json line;
        line["resourceSpans"].push_back(std::move(resource));
        out << line.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    }

private:
    template <class T>
    static json attribute(const char* key, const char* type, T&& value) {
        json made;
        made["key"] = key;
        made["value"][type] = std::forward<T>(value);
        return made;
    }
    template <class T>
    void add(const char* key, const char* type, T&& value) {
        span_["attributes"].push_back(attribute(key, type, std::forward<T>(value)));
    }

    json span_;
};

void write_request(const corun::request_record& told) {
    span made(told.method + ' ' + told.path_template, span::client, told.began, told.duration);
    made.set("http.request.method", told.method);
    made.set("url.template", told.path_template);
    made.set("server.address", told.server_address);
    made.set("server.port", std::int64_t{told.server_port});
    if (told.attempt > 1) made.set("http.request.resend_count", std::int64_t{told.attempt - 1});
    made.set("http.request.body.size", static_cast<std::int64_t>(told.bytes_sent));
    made.set("http.response.body.size", static_cast<std::int64_t>(told.bytes_received));
    if (told.status != 0) made.set("http.response.status_code", std::int64_t{told.status});
    made.set("corun.request_id", told.request_id);
    made.set("corun.client_request_id", told.client_request_id);
    if (told.status >= 400)
        made.fail(std::to_string(told.status));
    else if (told.error && told.error != std::errc::operation_canceled)
        made.fail(error_type(told.error));
    made.write(std::cout);
}

void write_run(const corun::run_record& told) {
    span made("invoke_agent " + told.agent_name, span::client, told.began, told.duration);
    made.set("gen_ai.operation.name", std::string("invoke_agent"));
    made.set("gen_ai.provider.name", std::string("azure.ai.agents"));
    made.set("gen_ai.agent.id", told.agent_id);
    made.set("gen_ai.agent.name", told.agent_name);
    made.set("gen_ai.conversation.id", told.thread_id);
    made.set("gen_ai.request.model", told.model);
    made.set("gen_ai.response.id", told.run_id);
    made.set("server.address", told.server_address);
    made.set("server.port", std::int64_t{told.server_port});
    if (told.usage) {
        made.set("gen_ai.usage.input_tokens", told.usage->prompt_tokens);
        made.set("gen_ai.usage.output_tokens", told.usage->completion_tokens);
    }
    if (told.time_to_first_text) made.set("gen_ai.response.time_to_first_chunk", seconds(*told.time_to_first_text));
    made.set("corun.run.status", std::string(to_string(told.status)));
    if (told.error)
        made.fail(error_type(told.error));
    else if (told.status == corun::run_state::failed)
        made.fail(told.service_code);
    made.write(std::cout);
}

void write_submit(const corun::submit_record& told) {
    span made("submit", span::internal, told.began, told.duration);
    made.set("gen_ai.conversation.id", told.thread_id);
    made.set("gen_ai.response.id", told.run_id);
    made.set("corun.submit.round", std::int64_t{told.round});
    made.set("corun.submit.outputs", static_cast<std::int64_t>(told.outputs));
    made.set("corun.submit.approved", static_cast<std::int64_t>(told.approved));
    made.set("corun.submit.denied", static_cast<std::int64_t>(told.denied));
    if (told.error) made.fail(error_type(told.error));
    made.write(std::cout);
}

asio::awaitable<void> story(demo::backend& backend) {
    corun::client_options options = backend.options();
    options.observer.on_request = write_request;
    options.observer.on_run = write_run;
    options.observer.on_submit = write_submit;
    if (!demo::environment("SHOW_TRAFFIC").empty())
        options.observer.on_wire = [](const corun::wire_message& message) { std::cerr << message; };

    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential(), options};
    corun::agent agent = co_await backend.make_agent(client);
    corun::thread thread = co_await backend.make_thread(client);
    corun::run_options without_approvals;
    without_approvals.default_approval = corun::mcp_approval::never();
    (void)co_await agent.run(thread, "Book seat 14A.", backend.mcp_headers(), without_approvals);
}

}  // namespace

int main() {
    return demo::run("observe", story);
}
