#include "async/attempt.hpp"
#include "json/text.hpp"
#include "mcp/session_state.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"
#include <corun/mcp/server.hpp>
#include <corun/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

namespace corun::mcp {
namespace {

constexpr std::chrono::milliseconds longest_close = std::chrono::seconds{5};
/// Of one call, each with what the server wants to have back.
constexpr int max_rounds = 10;

std::chrono::milliseconds milliseconds_of(double count) {
    constexpr double longest = 1e12;
    return std::chrono::milliseconds{static_cast<std::int64_t>(std::clamp(count, 0.0, longest))};
}

error too_many(const session::state& self, const std::string& subject) {
    return named(*self.server, "tools/list", error(errc::response_too_large, "the server lists more than " + subject));
}

/// Adds the tools of a page that can be called, and says what is wrong with the others.
void take_page(session::state& self, tool_page page, std::set<std::string, std::less<>>& names, listed_tools& all) {
    tool_list& list = all.list;
    if (page.ttl_ms) {
        const std::chrono::milliseconds ttl = milliseconds_of(*page.ttl_ms);
        list.ttl = std::min(list.ttl.value_or(ttl), ttl);
    }
    for (std::string& problem : page.problems) list.problems.push_back(std::move(problem));
    for (tool& one : page.tools) {
        std::string problem;
        header_parameters parameters;
        if (self.era == era::modern) parameters = header_parameters_of(one.input_schema);
        if (!parameters.problem.empty()) problem = ": " + parameters.problem;
        if (problem.empty() && !names.insert(one.name).second) problem = " is listed twice; the first is used";
        if (!problem.empty()) {
            list.problems.push_back("the tool " + detail::quote(one.name) + problem);
            continue;
        }
        if (!parameters.list.empty()) all.parameters[one.name] = std::move(parameters.list);
        list.tools.push_back(std::move(one));
    }
    if (list.tools.size() > self.server->options.max_tools)
        throw too_many(self, std::to_string(self.server->options.max_tools) + " tools");
}

/// For how long sessions of the same principal may use the list again.
std::chrono::milliseconds lifetime_of(const session::state& self, const tool_list& list) {
    const std::chrono::milliseconds longest = self.server->options.max_list_age;
    if (self.principal.empty()) return std::chrono::milliseconds{0};
    const bool is_modern = self.era == era::modern;
    return is_modern ? std::min(longest, list.ttl.value_or(std::chrono::milliseconds{0})) : longest;
}

void keep(session::state& self, std::shared_ptr<const listed_tools> all) {
    self.tools = all;
    const std::chrono::milliseconds lifetime = lifetime_of(self, all->list);
    if (lifetime.count() > 0)
        self.server->lists.store(self.principal, std::move(all), self.server->clock->now() + lifetime);
}

/// From the server, even if a list is known.
asio::awaitable<tool_list> list_again(std::shared_ptr<session::state> self, headers fields) {
    const auto all = std::make_shared<listed_tools>();
    co_await ensure_open(self, fields);
    if (!self->has_tools) co_return all->list;
    std::set<std::string, std::less<>> names, cursors;
    rpc_call call;
    call.method = "tools/list";
    call.total = self->server->options.request_timeout;
    for (std::size_t pages = 0;; ++pages) {
        if (pages == self->server->options.max_pages) throw too_many(*self, std::to_string(pages) + " pages");
        const message answer = co_await request(self, call, fields);
        if (answer.error) throw error_of(*self->server, call.method, *answer.error);
        tool_page page = decode_tools(answer.result);
        const std::optional<std::string> cursor = page.next_cursor;
        take_page(*self, std::move(page), names, *all);
        if (!cursor) break;
        if (!cursors.insert(*cursor).second)
            throw named(*self->server, call.method, error(errc::bad_response, "the server repeats a cursor"));
        call.members = R"("cursor":)" + json_string(*cursor);
    }
    keep(*self, all);
    co_return all->list;
}

asio::awaitable<tool_list> list(std::shared_ptr<session::state> self, headers fields) {
    if (!self->principal.empty()) {
        if (const auto known = self->server->lists.find(self->principal, self->server->clock->now())) {
            self->tools = known;
            co_return known->list;
        }
    }
    co_return co_await list_again(std::move(self), std::move(fields));
}

/// A JSON object; an empty one for no text.
std::string arguments_of(const std::string& text) {
    const std::string_view trimmed = ascii::trim(text, " \t\r\n");
    if (trimmed.empty() || trimmed == "null") return "{}";
    if (!trimmed.starts_with('{') || codec::json::find_error(trimmed))
        throw error(errc::invalid_argument, "the arguments of a tool must be a JSON object");
    return std::string(trimmed);
}

/// What a server wants to know before it goes on with a call.
struct more_input {
    more_input() = default;

    std::string members;  ///< Of the next request.
    std::string problem;  ///< Why there is none.
};

/// Declines what asks a user; nothing else can be declined.
more_input answer_input(const call_outcome& outcome) {
    more_input input;
    std::string responses;
    for (const input_request& each : outcome.input_requests) {
        if (each.method != "elicitation/create")
            input.problem = "The tool needs what this client does not support: " + each.method;
        responses += (responses.empty() ? "" : ",") + json_string(each.key) + R"(:{"action":"decline"})";
    }
    if (!responses.empty()) input.members += R"(,"inputResponses":{)" + responses + "}";
    if (!outcome.request_state.empty()) input.members += R"(,"requestState":)" + outcome.request_state;
    return input;
}

tool_result result_of(const rpc_error& problem) {
    tool_result result = failed_result(problem.message.empty() ? "The tool was not called." : problem.message);
    result.error_code = problem.code;
    result.raw = problem.raw;
    return result;
}

struct tool_call {
    tool_call() = default;

    std::string name, arguments;
    call_options options;
};

rpc_call request_of(const session::state& self, const tool_call& call, const std::string& more) {
    const server_options& common = self.server->options;
    rpc_call request;
    request.method = "tools/call";
    request.name = call.name;
    request.members = R"("name":)" + json_string(call.name) + R"(,"arguments":)" + call.arguments + more;
    request.can_be_repeated = false;
    request.idle = call.options.call_timeout.value_or(common.call_timeout);
    request.total = call.options.total_timeout.value_or(common.total_timeout);
    request.on_progress = call.options.on_progress;
    if (self.tools == nullptr) return request;
    const auto parameters = self.tools->parameters.find(call.name);
    if (parameters != self.tools->parameters.end())
        add_parameters(request.parameters, parameters->second, call.arguments);
    return request;
}

asio::awaitable<tool_result> call(std::shared_ptr<session::state> self, tool_call call, headers fields) {
    std::string more;
    bool may_list = true;
    for (int rounds = 0; rounds != max_rounds;) {
        co_await ensure_open(self, fields);
        message answer = co_await request(self, request_of(*self, call, more), fields);
        if (answer.error) {
            if (answer.error->code == rpc_code::invalid_params) self->server->lists.erase(self->principal);
            // The tool's annotations may have changed, or were never read.
            const bool lists = answer.error->code == rpc_code::header_mismatch && self->era == era::modern;
            if (!lists || !std::exchange(may_list, false)) co_return result_of(*answer.error);
            (void)co_await list_again(self, fields);
            continue;
        }
        call_outcome outcome = decode_outcome(answer.result);
        if (outcome.type.empty() || outcome.type == "complete") co_return std::move(outcome.result);
        if (outcome.type != "input_required")
            throw named(*self->server, "tools/call",
                        error(errc::bad_response, "the result has the type " + detail::quote(outcome.type)));
        more_input input = answer_input(outcome);
        if (!input.problem.empty()) co_return failed_result(std::move(input.problem));
        more = std::move(input.members);
        ++rounds;
    }
    co_return failed_result("The tool asked for input " + std::to_string(max_rounds) + " times without a result.");
}

asio::awaitable<void> close_session(std::shared_ptr<session::state> self, headers fields) {
    const bool has_session = !self->id.empty();
    if (!has_session) co_return;
    rpc_call end;
    end.method = "DELETE";
    outgoing request = prepare(*self, end, fields);
    request.http_method = "DELETE";
    request.fields.erase("Content-Type");
    request.body.clear();
    request.id = 0;
    request.total = longest_close;
    self->id = {};
    self->era = era::unknown;
    auto ended = co_await detail::attempt(exchange(self->server, std::move(request)));
    (void)ended;
}

}  // namespace

server_options::server_options() : client_name("corun"), client_version(CORUN_VERSION) {}

server::server(asio::any_io_executor executor, std::string url, server_options options)
    : state_(std::make_shared<state>(std::move(executor), std::move(url), std::move(options))) {}
server::server(std::shared_ptr<state> shared) noexcept : state_(std::move(shared)) {}

const std::string& server::url() const noexcept {
    return state_->url;
}

asio::awaitable<tool_list> server::list_tools(headers fields) const {
    session own(*this);
    auto outcome = co_await detail::attempt(own.list_tools(fields));
    co_await own.close(std::move(fields));
    co_return outcome.take();
}

asio::awaitable<tool_result> server::call_tool(std::string name, json_text arguments, headers fields,
                                               call_options options) const {
    session own(*this);
    auto outcome =
        co_await detail::attempt(own.call_tool(std::move(name), std::move(arguments), fields, std::move(options)));
    co_await own.close(std::move(fields));
    co_return outcome.take();
}

session::session(const server& server, std::string principal)
    : state_(std::make_shared<state>(server.state_, std::move(principal))) {}

asio::awaitable<tool_list> session::list_tools(headers fields) const {
    check_headers(*state_->server, fields);
    return list(state_, std::move(fields));
}

asio::awaitable<tool_result> session::call_tool(std::string name, json_text arguments, headers fields,
                                                call_options options) const {
    check_headers(*state_->server, fields);
    tool_call one;
    one.name = std::move(name);
    one.arguments = arguments_of(arguments.text());
    one.options = std::move(options);
    return call(state_, std::move(one), std::move(fields));
}

asio::awaitable<void> session::close(headers fields) const {
    check_headers(*state_->server, fields);
    return close_session(state_, std::move(fields));
}

std::string session::revision() const {
    return state_->version;
}

std::string session::instructions() const {
    return state_->instructions;
}

}  // namespace corun::mcp
