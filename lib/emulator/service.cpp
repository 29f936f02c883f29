// The service's HTTP face: routes, and the checks before anything happens.
#include "emulator/http/api_call.hpp"
#include "emulator/http/refusal.hpp"
#include "emulator/responses/responses.hpp"
#include "emulator/script.hpp"
#include "emulator/threads/core.hpp"
#include "emulator/threads/files.hpp"
#include "emulator/threads/schema.hpp"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace corun::emulator {

namespace {

constexpr std::size_t recorded_of_upload = 64 * 1024;

}  // namespace

struct service::impl : std::enable_shared_from_this<service::impl> {
    impl(asio::io_context& context, service_options options)
        : core(std::make_shared<emulator::core>(context, std::move(options))),
          responses(std::make_shared<emulator::responses>(core)),
          token(core->options.token) {}

    std::shared_ptr<emulator::core> core;
    std::shared_ptr<emulator::responses> responses;
    file_service files{*core};
    std::string token;
    std::string base = "/api/projects/emulator";
    std::vector<recorded_request> requests;
    std::uint64_t forgotten = 0;  ///< Requests that were recorded before the first of those.
    std::optional<http::server> server;
    schema::bodies bodies{false}, bodies_with_mcp{true};
    std::uint64_t answered = 0;

    void listen() {
        server.emplace(core->context, core->options.address, core->options.port,
                       [weak = weak_from_this()](std::shared_ptr<http::exchange> exchange) {
                           if (const auto self = weak.lock()) self->serve(std::move(exchange));
                       });
    }

    http::fields head(const http::exchange& exchange, std::string content_type) {
        http::fields fields;
        fields.emplace_back("Content-Type", std::move(content_type));
        fields.emplace_back("Date", http::date(core->now()));
        // Looks like the gateway's GUID, and is the same in every process.
        std::string number = std::to_string(++answered);
        fields.emplace_back("apim-request-id",
                            "00000000-0000-4000-8000-" + std::string(12 - number.size(), '0') + number);
        if (const auto id = http::find(exchange.request.fields, "x-ms-client-request-id"); !id.empty())
            fields.emplace_back("x-ms-client-request-id", id);
        return fields;
    }

    void answer(http::exchange& exchange, int status, json body, header_fields more = {}) {
        requests.back().status = status;
        answer_later(exchange, status, std::move(body), std::move(more));
    }

    void answer_later(http::exchange& exchange, int status, json body, header_fields more) {
        auto fields = head(exchange, "application/json; charset=utf-8");
        if (body.contains("error") && get(body["error"], "additionalInfo").is_object())
            body["error"]["additionalInfo"]["request_id"] = http::find(fields, "apim-request-id");
        fields.insert(fields.end(), more.begin(), more.end());
        exchange.respond(status, std::move(fields), text_of(body));
    }

    void serve(std::shared_ptr<http::exchange> exchange) {
        const call what(exchange->request, base);
        remember(what);
        try {
            const auto fault = core->faults.take_answer(what.method, what.path);
            if (fault && fault_access::kind(*fault) == fault::kind::respond) return answer_fault(*exchange, *fault);
            if (fault) {
                // What was asked is done, only the answer gets lost.
                const auto lost = std::make_shared<lost_exchange>();
                lost->request = exchange->request;
                dispatch(lost, what);
                requests.back().status = 0;
                return exchange->abort(true);
            }
            dispatch(exchange, what);
        } catch (const refusal& no) {
            answer(*exchange, no.status(), no.body());
        } catch (const std::exception&) {
            answer(*exchange, 500,
                   error_envelope("Sorry, something went wrong.", "server_error", nullptr, "server_error"));
        }
    }

    /// Where answers go that nobody gets.
    struct lost_exchange final : http::exchange {
        void respond(int, http::fields, std::string) override {}
        void begin(int, http::fields) override {}
        asio::awaitable<void> write(std::string) override {
            throw std::system_error(std::make_error_code(std::errc::broken_pipe));
            co_return;
        }
        void finish() override {}
        void abort(bool) override {}
        asio::awaitable<void> closed() override { co_return; }
    };

    void remember(const call& what) {
        recorded_request seen;
        seen.method = what.method;
        seen.path = what.path;
        seen.query = what.raw_query;
        seen.headers = what.fields;
        const bool is_upload = http::find(what.fields, "content-type").starts_with("multipart/");
        seen.body = what.body_text.substr(0, is_upload ? recorded_of_upload : std::string::npos);
        if (requests.size() >= core->options.recorded_requests) {
            forgotten += requests.size() / 2;
            requests.erase(requests.begin(), requests.begin() + std::ssize(requests) / 2);
        }
        requests.push_back(std::move(seen));
    }

    void answer_fault(http::exchange& exchange, const fault& what) {
        const int status = fault_access::status(what);
        std::string body = fault_access::body(what);
        const bool html = body.starts_with('<');
        if (body.empty()) {
            const std::string code = status == 429   ? "rate_limit_exceeded"
                                     : status >= 500 ? "server_error"
                                                     : "invalid_request_error";
            body = text_of(error_envelope("The request was refused by an injected fault.", code, nullptr, code));
        }
        auto fields = head(exchange, html ? "text/html; charset=utf-8" : "application/json; charset=utf-8");
        for (const auto& [name, value] : fault_access::fields(what)) {
            std::erase_if(fields, [&name = name](const auto& field) { return equal_ignoring_case(field.first, name); });
            fields.emplace_back(name, value);
        }
        requests.back().status = status;
        exchange.respond(status, std::move(fields), std::move(body));
    }

    void dispatch(const std::shared_ptr<http::exchange>& exchange, const call& what) {
        if (what.at_openai) {
            if (!is_let_in(what, true))
                throw refusal(401, error_envelope("Incorrect API key provided.", "invalid_request_error", nullptr,
                                                  "invalid_api_key"));
            return serve_responses(exchange, what);
        }
        if (!what.in_project) throw gateway_error(404, "404", "Resource not found");
        if (!is_let_in(what, false)) {
            json body;
            body["statusCode"] = 401;
            body["message"] = "Unauthorized. Access token is missing, invalid, audience is incorrect, or has expired.";
            throw refusal(401, std::move(body));
        }
        if (emulator::responses::owns(what)) return serve_responses(exchange, what);
        const std::string version = what.parameter("api-version");
        if (version != "2025-05-01" && version != "2025-05-15-preview" && version != "v1")
            throw gateway_error(400, "BadRequest", "API version not supported");
        const schema::bodies& accepted = version == "2025-05-01" ? bodies : bodies_with_mcp;

        const bool run_create = what.is("POST", {"threads", "*", "runs"});
        if (run_create || what.is("POST", {"threads", "runs"})) return create_run(exchange, what, accepted, run_create);
        if (what.is("POST", {"threads", "*", "runs", "*", "submit_tool_outputs"}))
            return submit(exchange, what, accepted);
        if (const auto file = files.content_asked_for(what)) return send_content(exchange, what, file->bytes);
        answer(*exchange, 200, file_service::owns(what) ? files.answer(what) : plain(what, accepted));
    }

    [[nodiscard]] bool is_let_in(const call& what, bool by_key) const {
        return token.empty() || http::find(what.fields, "authorization") == "Bearer " + token ||
               (by_key && http::find(what.fields, "api-key") == token);
    }

    void serve_responses(const std::shared_ptr<http::exchange>& exchange, const call& what) {
        const std::uint64_t number = forgotten + requests.size() - 1;
        answering to;
        to.exchange = exchange;
        to.answer = [weak = weak_from_this(), exchange, number](int status, const json& body, header_fields more) {
            const auto self = weak.lock();
            if (!self) return;
            const bool is_lost = dynamic_cast<lost_exchange*>(exchange.get()) != nullptr;
            if (number >= self->forgotten && !is_lost) self->requests[number - self->forgotten].status = status;
            self->answer_later(*exchange, status, body, std::move(more));
        };
        to.begin_stream = [this, exchange, method = what.method, path = what.path] {
            requests.back().status = 200;
            exchange->begin(200, head(*exchange, "text/event-stream; charset=utf-8"));
            return event_sink(core->context, exchange, core->faults.take_stream(method, path));
        };
        to.set_run_id = [this](const std::string& id) { requests.back().run_id = id; };
        responses->serve(what, std::move(to));
    }

    void send_content(const std::shared_ptr<http::exchange>& exchange, const call& what, const std::string& bytes) {
        requests.back().status = 200;
        auto faults = core->faults.take_stream(what.method, what.path);
        if (faults.empty()) return exchange->respond(200, head(*exchange, "application/octet-stream"), bytes);
        // What goes wrong in the middle needs a response without a length.
        exchange->begin(200, head(*exchange, "application/octet-stream"));
        event_sink sink(core->context, exchange, std::move(faults));
        sink.put_frame("content", bytes);
        auto finish = [](event_sink out) -> asio::awaitable<void> { co_await out.finish(); };
        asio::co_spawn(core->context, finish(std::move(sink)), [](std::exception_ptr) {});
    }

    /// The routes that answer JSON.
    json plain(const call& what, const schema::bodies& accepted) {
        const auto& at = what.segments;
        const auto show = [this](const record& one) { return core->shown(one); };
        if (what.is("POST", {"assistants"})) return create_agent(body_of(what, accepted.create_agent));
        if (what.is("GET", {"assistants"})) return page_or_refuse(core->agents, page_of(what), "assistant", all, show);
        if (at.size() == 2 && at[0] == "assistants") {
            const auto agent = find_or_refuse(core->agents, at[1], "assistant");
            if (what.method == "GET") return core->shown(*agent);
            if (what.method == "POST") {
                const json body = body_of(what, accepted.update_agent);
                refuse_duplicate_labels(body);
                return update(*agent, body);
            }
            if (what.method == "DELETE") {
                core->agents.erase(at[1]);
                return deleted(at[1], "assistant.deleted");
            }
        }

        if (what.is("POST", {"threads"}))
            return core->shown(*create_thread(body_of(what, accepted.create_thread, false)));
        if (what.is("GET", {"threads"})) return page_or_refuse(core->threads, page_of(what), "thread", all, show);
        if (at.size() < 2 || at[0] != "threads") throw gateway_error(404, "404", "Resource not found");

        const auto thread = find_or_refuse(core->threads, at[1], "thread");
        for (const auto& [place, one] : thread->runs.items()) core->expire(*one);
        if (const auto active = thread->active_run(); active && what.method == "GET" && at.size() > 2)
            core->was_read(*active);
        if (what.is("GET", {"threads", "*"})) return core->shown(*thread);
        if (what.is("POST", {"threads", "*"})) {
            const json body = body_of(what, accepted.update_thread, false);
            return update(*thread, body);
        }
        if (what.is("DELETE", {"threads", "*"})) {
            if (thread->active_run()) refuse_while_active(*thread, "Can't delete ");
            core->threads.erase(at[1]);
            return deleted(at[1], "thread.deleted");
        }

        if (what.is("POST", {"threads", "*", "messages"})) {
            const json body = body_of(what, accepted.create_message);
            if (thread->active_run()) refuse_while_active(*thread, "Can't add messages to ");
            return core->shown(*core->add_message(*thread, body));
        }
        if (what.is("GET", {"threads", "*", "messages"})) {
            const std::string run_id = what.parameter("run_id");
            const auto of_run = [&](const record& one) {
                return run_id.empty() || get(one.object, "run_id") == run_id;
            };
            return page_or_refuse(thread->messages, page_of(what), "message", of_run, show);
        }
        if (at.size() == 4 && at[2] == "messages") {
            const auto message = find_or_refuse(thread->messages, at[3], "message");
            if (what.method == "GET") return core->shown(*message);
            if (what.method == "POST") return update_metadata(*message, body_of(what, accepted.metadata_only));
            if (what.method == "DELETE") {
                thread->messages.erase(at[3]);
                return deleted(at[3], "thread.message.deleted");
            }
        }

        const auto show_run = [this](const run& one) { return core->shown(one); };
        if (what.is("GET", {"threads", "*", "runs"}))
            return page_or_refuse(thread->runs, page_of(what), "run", all, show_run);
        if (at.size() < 4 || at[2] != "runs") throw gateway_error(404, "404", "Resource not found");
        const auto run = find_or_refuse(thread->runs, at[3], "run");
        if (what.is("GET", {"threads", "*", "runs", "*"})) return core->shown(*run);
        if (what.is("POST", {"threads", "*", "runs", "*"})) {
            update_metadata(*run, body_of(what, accepted.metadata_only));
            return core->shown(*run);
        }
        if (what.is("POST", {"threads", "*", "runs", "*", "cancel"})) {
            if (run->ended() || run->status() == "cancelling")
                throw bad_request("Cannot cancel run with status '" + run->status() + "'.");
            core->cancel(run);
            return core->shown(*run);
        }
        if (what.is("GET", {"threads", "*", "runs", "*", "steps"})) {
            const auto show_step = [this, with = with_results(what)](const record& one) {
                return core->shown_step(one, with);
            };
            return page_or_refuse(run->steps, page_of(what), "run step", all, show_step);
        }
        if (what.is("GET", {"threads", "*", "runs", "*", "steps", "*"})) {
            return core->shown_step(*find_or_refuse(run->steps, at[5], "run step"), with_results(what));
        }
        throw gateway_error(404, "404", "Resource not found");
    }

    /// Whether the content of search results is asked for, the one thing that `include[]` can ask for.
    static bool with_results(const call& what) {
        bool asked = false;
        for (const auto& [key, value] : what.query) {
            if (key != "include[]") continue;
            schema::one_of({"step_details.tool_calls[*].file_search.results[*].content"})(value, "include[0]");
            asked = true;
        }
        return asked;
    }

    /// What the service stores of a member: lists and maps are never null.
    static json normalised(const std::string& name, const json& value) {
        if (name == "tools") {
            json tools = value.is_null() ? json::array() : value;
            for (auto& tool : tools)
                if (get_string(tool, "type") == "mcp" && !tool.contains("allowed_tools"))
                    tool["allowed_tools"] = nullptr;
            return tools;
        }
        if (value.is_null() && (name == "tool_resources" || name == "metadata")) return json::object();
        if (value.is_null() && name == "response_format") return "auto";
        return value;
    }

    json update(record& what, const json& body) {
        for (const auto& [name, value] : body.items())
            what.object[name] = name == "tool_resources" ? updated_resources(get(what.object, "tool_resources"), value)
                                                         : normalised(name, value);
        return core->shown(what);
    }

    [[nodiscard]] json updated_resources(const json& stored, const json& given) const {
        const mcp_clearing how = core->options.mcp_clearing;
        json result = how == mcp_clearing::by_empty_list ? stored : json::object();
        for (const auto& [kind, value] : given.items())
            if (kind != "mcp") result[kind] = value;
        const json& servers = get(given, "mcp");
        if (!servers.empty())
            result["mcp"] = servers;
        else if (how == mcp_clearing::by_empty_list && servers.is_array())
            result.erase("mcp");
        else if (how == mcp_clearing::never && !get(stored, "mcp").is_null())
            result["mcp"] = get(stored, "mcp");
        return result;
    }

    static void refuse_duplicate_labels(const json& body) {
        std::vector<std::string> labels;
        const json& tools = get(body, "tools");
        for (std::size_t i = 0; i != tools.size(); ++i) {
            if (get_string(tools[i], "type") != "mcp") continue;
            const std::string label = get_string(tools[i], "server_label");
            if (std::find(labels.begin(), labels.end(), label) != labels.end())
                throw bad_request("Duplicate server label: '" + label + "'. Each MCP tool must have its own.",
                                  "tools[" + std::to_string(i) + "].server_label", "invalid_value");
            labels.push_back(label);
        }
    }

    json create_agent(const json& body) {
        refuse_duplicate_labels(body);
        json object;
        object["id"] = core->make_id("asst_");
        object["object"] = "assistant";
        object["created_at"] = core->now();
        for (const char* name : {"name", "description", "model", "instructions"}) object[name] = get(body, name);
        object["tools"] = normalised("tools", get(body, "tools"));
        object["tool_resources"] = normalised("tool_resources", get(body, "tool_resources"));
        object["top_p"] = get(body, "top_p").is_null() ? json(1.0) : get(body, "top_p");
        object["temperature"] = get(body, "temperature").is_null() ? json(1.0) : get(body, "temperature");
        object["response_format"] = normalised("response_format", get(body, "response_format"));
        object["metadata"] = normalised("metadata", get(body, "metadata"));
        auto made = std::make_shared<agent>(std::move(object));
        core->agents.add(made);
        return core->shown(*made);
    }

    std::shared_ptr<thread> create_thread(const json& body) {
        json object;
        object["id"] = core->make_id("thread_");
        object["object"] = "thread";
        object["created_at"] = core->now();
        object["metadata"] = normalised("metadata", get(body, "metadata"));
        object["tool_resources"] = normalised("tool_resources", get(body, "tool_resources"));
        auto made = std::make_shared<thread>(std::move(object));
        core->threads.add(made);
        for (const auto& message : get(body, "messages")) core->add_message(*made, message);
        return made;
    }

    json update_metadata(record& what, const json& body) {
        if (body.contains("metadata")) what.object["metadata"] = normalised("metadata", body["metadata"]);
        return core->shown(what);
    }

    static void refuse_while_active(const thread& where, const std::string& beginning) {
        throw bad_request(beginning + where.id + " while a run " + where.active_run()->id + " is active.");
    }

    void create_run(const std::shared_ptr<http::exchange>& exchange, const call& what, const schema::bodies& accepted,
                    bool thread_exists) {
        const bool with = with_results(what);
        const auto in = thread_exists ? find_or_refuse(core->threads, what.segments[1], "thread") : nullptr;
        const json body = body_of(what, thread_exists ? accepted.create_run : accepted.create_thread_and_run);
        const auto agent = find_or_refuse(core->agents, get_string(body, "assistant_id"), "assistant");
        if (in) {
            for (const auto& [place, one] : in->runs.items()) core->expire(*one);
            if (const auto active = in->active_run())
                throw bad_request("Thread " + in->id + " already has an active run " + active->id + ".");
        }
        const auto where = in ? in : create_thread(get(body, "thread"));
        std::shared_ptr<run> made;
        const bool streaming = get(body, "stream") == true;
        try {
            made = core->create_run(*agent, *where, body, streaming);
        } catch (const refusal&) {
            if (!in) core->threads.erase(where->id);
            throw;
        }
        made->created_thread = !in;
        made->with_results = with;
        start(exchange, what, made, streaming);
    }

    /// Lets a run work, and answers with its events or with itself.
    void start(const std::shared_ptr<http::exchange>& exchange, const call& what, const std::shared_ptr<run>& made,
               bool streaming) {
        requests.back().run_id = made->id;
        if (!streaming) {
            answer(*exchange, 200, core->shown(*made));
            return core->work(made, {});
        }
        requests.back().status = 200;
        exchange->begin(200, head(*exchange, "text/event-stream; charset=utf-8"));
        core->work(made, event_sink(core->context, exchange, core->faults.take_stream(what.method, what.path)));
    }

    void submit(const std::shared_ptr<http::exchange>& exchange, const call& what, const schema::bodies& accepted) {
        const auto thread = find_or_refuse(core->threads, what.segments[1], "thread");
        const auto run = find_or_refuse(thread->runs, what.segments[3], "run");
        const json body = body_of(what, accepted.submit);
        core->expire(*run);
        if (run->status() != "requires_action")
            throw bad_request("Runs in status \"" + run->status() + "\" do not accept tool outputs.");
        const auto functions = waiting(*run, step::kind::call_function), servers = waiting(*run, step::kind::call_mcp);
        if (functions.empty() && servers.empty())
            throw bad_request("The run requires an action of type '" +
                              get_string(get(run->object, "required_action"), "type") +
                              "', which cannot be submitted here.");
        const json &outputs = get(body, "tool_outputs"), &approvals = get(body, "tool_approvals");
        check_answers(functions, outputs, "tool_outputs");
        check_answers(servers, approvals, "tool_approvals");
        for (const auto& one : outputs) {
            tool_call& call = *functions.at(get_string(one, "tool_call_id"));
            call.waits = false;
            call.output = get_string(one, "output");
        }
        for (const auto& one : approvals) approve(*servers.at(get_string(one, "tool_call_id")), one);
        run->object["status"] = "queued";
        run->object["required_action"] = nullptr;
        start(exchange, what, run, get(body, "stream") == true);
    }

    using waiting_calls = std::map<std::string, tool_call*>;  // by id
    static waiting_calls waiting(run& what, step::kind kind) {
        waiting_calls found;
        for (auto& one : what.calls)
            if (one.waits && one.kind == kind) found.emplace(one.id, &one);
        return found;
    }

    static void check_answers(const waiting_calls& waiting, const json& answers, const std::string& list) {
        if (waiting.empty() && !answers.empty()) throw bad_request("The run does not wait for '" + list + "'.", list);
        if (!waiting.empty() && answers.is_null())
            throw bad_request("Missing required parameter: '" + list + "'.", list, "missing_required_parameter");
        std::vector<std::string> expected, got;
        for (const auto& [id, one] : waiting) expected.push_back(id);
        for (const auto& one : answers) got.push_back(get_string(one, "tool_call_id"));
        std::sort(got.begin(), got.end());
        if (expected != got)
            throw bad_request("Expected '" + list + "' for call_ids " + text_of(json(expected)) + ", got " +
                              text_of(json(got)) + ".");
    }

    void approve(tool_call& pending, const json& approval) const {
        pending.waits = false;
        pending.denied = get(approval, "approve") != true;
        const json& headers = get(approval, "headers");
        if (headers.is_null() || core->options.approval_headers == approval_headers::ignore) return;
        if (core->options.approval_headers == approval_headers::replace) pending.headers.clear();
        for (const auto& [name, value] : headers.items()) {
            std::erase_if(pending.headers,
                          [&name = name](const auto& field) { return equal_ignoring_case(field.first, name); });
            pending.headers.emplace_back(name, value.get<std::string>());
        }
    }
};

service_options::service_options() = default;

std::string recorded_request::header(std::string_view name) const {
    return std::string(http::find(headers, name));
}
std::string recorded_mcp_request::header(std::string_view name) const {
    return std::string(http::find(headers, name));
}

service::service(asio::io_context& context, service_options options)
    : impl_(std::make_shared<impl>(context, std::move(options))) {
    impl_->listen();
}
service::~service() {
    if (impl_) stop();
}
service::service(service&&) noexcept = default;
service& service::operator=(service&& other) noexcept {
    if (impl_ && this != &other) stop();
    impl_ = std::move(other.impl_);
    return *this;
}

std::string service::endpoint() const {
    return "http://" + impl_->core->options.address + ":" + std::to_string(impl_->server->port()) + impl_->base;
}
const std::string& service::token() const noexcept {
    return impl_->token;
}
service_options& service::options() noexcept {
    return impl_->core->options;
}

void service::script(std::string match, std::vector<step> steps) {
    impl_->core->scripts.emplace_back(std::move(match), std::move(steps));
}

void service::load_scripts(std::string_view text) {
    for (auto& one : scripts_of(text)) impl_->core->scripts.push_back(std::move(one));
}

std::string service::add_file(std::string filename, std::string bytes, std::string purpose) {
    return impl_->files.add_file(std::move(filename), std::move(bytes), std::move(purpose))->id;
}

void service::inject(fault what) {
    impl_->core->faults.add(std::move(what));
}
void service::load_faults(std::string_view text) {
    for (auto& one : faults_of(text)) inject(std::move(one));
}

const std::vector<recorded_request>& service::requests() const noexcept {
    return impl_->requests;
}
const std::vector<recorded_mcp_request>& service::mcp_requests() const noexcept {
    return impl_->core->mcp_requests;
}
void service::forget_requests() noexcept {
    impl_->forgotten += impl_->requests.size();
    impl_->requests.clear();
    impl_->core->mcp_requests.clear();
}

void service::stop() {
    if (!impl_->server) return;
    impl_->core->stop();
    impl_->responses->stop();
    impl_->server->stop();
}

}  // namespace corun::emulator
