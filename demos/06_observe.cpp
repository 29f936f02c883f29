// Writes what a client reports to its observer as OpenTelemetry spans: one line of OTLP JSON each on
// standard output, in the format of the collector's otlpjsonfile receiver. With SHOW_TRAFFIC set, it also
// writes all traffic to standard error, without secrets.
//
// With an OpenTelemetry library, set the same attributes on its spans; began and duration give the start
// and the end.
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

/// A value of low cardinality, as `error.type` requires: a status, or the sentence of a code.
std::string error_type(const std::error_code& code) {
    return code.category().name() + (": " + code.message());
}

class span {
public:
    enum kind { internal = 1, client = 3 };

    span(std::string name, kind span_kind, std::chrono::system_clock::time_point began,
         std::chrono::nanoseconds duration) {
        const auto start = std::chrono::duration_cast<std::chrono::nanoseconds>(began.time_since_epoch());
        span_["spanId"] = random_id(16);
        span_["name"] = std::move(name);
        span_["kind"] = static_cast<int>(span_kind);
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

    /// This program's own span, the parent of all others, in the form of W3C Trace Context.
    static std::string traceparent() { return "00-" + trace() + '-' + parent() + "-01"; }

    /// Writes the span as one line of OTLP.
    void write(std::ostream& out) {
        span_["traceId"] = trace();
        span_["parentSpanId"] = parent();
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
    static const std::string& trace() {
        static const std::string id = random_id(32);
        return id;
    }
    static const std::string& parent() {
        static const std::string id = random_id(16);
        return id;
    }
    template <class T>
    static json attribute(const char* key, const char* type, T&& value) {
        json attribute;
        attribute["key"] = key;
        attribute["value"][type] = std::forward<T>(value);
        return attribute;
    }
    template <class T>
    void add(const char* key, const char* type, T&& value) {
        span_["attributes"].push_back(attribute(key, type, std::forward<T>(value)));
    }

    json span_;
};

void write_request(const corun::request_record& request) {
    span span(request.method + ' ' + request.path_template, span::client, request.began, request.duration);
    span.set("http.request.method", request.method);
    span.set("url.template", request.path_template);
    span.set("server.address", request.server_address);
    span.set("server.port", std::int64_t{request.server_port});
    if (request.attempt > 1) span.set("http.request.resend_count", std::int64_t{request.attempt - 1});
    span.set("http.request.body.size", static_cast<std::int64_t>(request.bytes_sent));
    span.set("http.response.body.size", static_cast<std::int64_t>(request.bytes_received));
    if (request.status != 0) span.set("http.response.status_code", std::int64_t{request.status});
    span.set("corun.request_id", request.request_id);
    span.set("corun.client_request_id", request.client_request_id);
    if (request.status >= 400)
        span.fail(std::to_string(request.status));
    else if (request.error && request.error != std::errc::operation_canceled)
        span.fail(error_type(request.error));
    span.write(std::cout);
}

void write_run(const corun::run_record& run) {
    span span("invoke_agent " + run.agent_name, span::client, run.began, run.duration);
    span.set("gen_ai.operation.name", std::string("invoke_agent"));
    span.set("gen_ai.provider.name", std::string("azure.ai.agents"));
    span.set("gen_ai.agent.id", run.agent_id);
    span.set("gen_ai.agent.name", run.agent_name);
    span.set("gen_ai.conversation.id", run.thread_id);
    span.set("gen_ai.request.model", run.model);
    span.set("gen_ai.response.id", run.run_id);
    span.set("server.address", run.server_address);
    span.set("server.port", std::int64_t{run.server_port});
    if (run.usage) {
        span.set("gen_ai.usage.input_tokens", run.usage->prompt_tokens);
        span.set("gen_ai.usage.output_tokens", run.usage->completion_tokens);
    }
    if (run.time_to_first_text) span.set("gen_ai.response.time_to_first_chunk", seconds(*run.time_to_first_text));
    span.set("corun.run.status", std::string(to_string(run.status)));
    if (run.error)
        span.fail(error_type(run.error));
    else if (run.status == corun::run_state::failed)
        span.fail(run.service_code);
    span.write(std::cout);
}

void write_submit(const corun::submit_record& submit) {
    span span("submit", span::internal, submit.began, submit.duration);
    span.set("gen_ai.conversation.id", submit.thread_id);
    span.set("gen_ai.response.id", submit.run_id);
    span.set("corun.submit.round", std::int64_t{submit.round});
    span.set("corun.submit.outputs", static_cast<std::int64_t>(submit.outputs));
    span.set("corun.submit.approved", static_cast<std::int64_t>(submit.approved));
    span.set("corun.submit.denied", static_cast<std::int64_t>(submit.denied));
    if (submit.error) span.fail(error_type(submit.error));
    span.write(std::cout);
}

void write_function_call(const corun::function_call_record& call) {
    span span("execute_tool " + call.name, span::internal, call.began, call.duration);
    span.set("gen_ai.operation.name", std::string("execute_tool"));
    span.set("gen_ai.tool.name", call.name);
    span.set("gen_ai.tool.call.id", call.call_id);
    span.set("gen_ai.conversation.id", call.thread_id);
    if (call.error) span.fail("handler");
    span.write(std::cout);
}

void write_approval(const corun::approval_record& approval) {
    span span("approve " + approval.name, span::internal, approval.began, approval.duration);
    span.set("gen_ai.tool.name", approval.name);
    span.set("gen_ai.tool.call.id", approval.call_id);
    span.set("gen_ai.conversation.id", approval.thread_id);
    span.set("corun.approval.server_label", approval.server_label);
    span.set("corun.approval.approved", std::string(approval.approved ? "true" : "false"));
    if (approval.error) span.fail("handler");
    span.write(std::cout);
}

asio::awaitable<void> story(demo::backend& backend) {
    corun::client_options options = backend.options();
    options.observer.on_request = write_request;
    options.observer.on_run = write_run;
    options.observer.on_submit = write_submit;
    options.observer.on_function_call = write_function_call;
    options.observer.on_approval = write_approval;
    // The service's spans join this trace.
    options.request_headers.set("traceparent", span::traceparent());
    if (!demo::environment("SHOW_TRAFFIC").empty())
        options.observer.on_wire = [](const corun::wire_message& message) { std::cerr << message; };

    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential(), options};
    corun::agent agent = co_await backend.make_agent(client);
    corun::agent_thread thread = co_await backend.make_thread(client);
    corun::run_options with_approvals;
    with_approvals.on_mcp_approval = [](const corun::mcp_approval_request&) { return true; };
    (void)co_await agent.run(thread, "Book seat 14A.", backend.mcp_headers(), with_approvals);
}

}  // namespace

int main() {
    return demo::run("observe", story);
}
