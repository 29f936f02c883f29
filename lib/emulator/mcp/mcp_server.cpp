#include "emulator/json.hpp"
#include "emulator/mcp/mcp_checks.hpp"
#include "server/http_server.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/co_spawn.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

namespace corun::emulator {
namespace {

constexpr std::size_t huge_bytes = std::size_t{32} << 20;

struct mcp_response {
    explicit mcp_response(int code) : status(code) {}

    /// With one more header field.
    mcp_response with(std::string name, std::string value) && {
        fields.emplace_back(std::move(name), std::move(value));
        return std::move(*this);
    }

    int status;
    http::fields fields;
    std::string body;
};

mcp_response json_response(int status, const json& body) {
    auto result = mcp_response(status).with("Content-Type", "application/json");
    result.body = text_of(body);
    return result;
}

mcp_response event_response(const json& body) {
    auto result = mcp_response(200).with("Content-Type", "text/event-stream");
    result.body = "event: message\ndata: " + text_of(body) + "\n\n";
    return result;
}

json error_body(const json& id, int code, const std::string& message) {
    json body;
    body["jsonrpc"] = "2.0";
    body["id"] = id;
    body["error"]["code"] = code;
    body["error"]["message"] = message;
    return body;
}

struct tool {
    std::string name, description;
    json schema;
    mcp_server::content_handler handler;
};

json text_block(std::string text) {
    json block;
    block["type"] = "text";
    block["text"] = std::move(text);
    return block;
}

struct accepted_token {
    std::chrono::system_clock::time_point until;
    std::string user;
};

struct open_session {
    std::string id, user;
};

auto has_id(const std::string& id) {
    return [id](const open_session& each) { return each.id == id; };
}

}  // namespace

mcp_server_options::mcp_server_options() = default;

struct mcp_server::impl : std::enable_shared_from_this<mcp_server::impl> {
    impl(asio::io_context& io, mcp_server_options settings) : context(io), options(std::move(settings)) {
        if (!options.clock) options.clock = [] { return std::chrono::system_clock::now(); };
    }

    asio::io_context& context;
    mcp_server_options options;
    std::optional<http::server> server;
    std::map<std::string, accepted_token, std::less<>> tokens;
    std::vector<tool> tools;
    std::vector<mcp_call_record> calls;
    std::deque<open_session> sessions;  ///< The oldest first.
    std::uint64_t sessions_created = 0, cursors_created = 0;
    std::map<mcp_fault, std::size_t> faults;
    /// A response that waits for the answer to its ping.
    std::shared_ptr<http::exchange> pinged;
    std::string answer_after_ping;

    /// Whether it is time for this fault.
    bool takes(mcp_fault fault) {
        const auto found = faults.find(fault);
        if (found == faults.end() || found->second == 0) return false;
        --found->second;
        return true;
    }

    void serve(std::shared_ptr<http::exchange> shared) {
        http::exchange& exchange = *shared;
        const auto& request = exchange.request;
        mcp_call_record call;
        call.method = request.method;
        call.authorization = http::find(request.fields, "authorization");
        call.headers = request.fields;
        call.session = http::find(request.fields, "mcp-session-id");
        call.body = request.body;
        const json message = request.method == "POST" ? json::parse(request.body, nullptr, false) : json(nullptr);
        if (message.is_object()) call.method = get_string(message, "method");

        if (const auto token = accepted(call.authorization)) call.user = token->user;
        auto response = response_to(request, call, message);
        call.status = response.status;
        const bool is_call = call.method == "tools/call" && response.status == 200;
        const bool is_answer = message.is_object() && call.method.empty();
        discard_older_half(calls);
        calls.push_back(std::move(call));
        if (is_call && takes(mcp_fault::no_answer)) return exchange.abort(false);
        if (is_call && takes(mcp_fault::stream_left_open)) return stream(shared, event_text(response), {});
        if (is_call && takes(mcp_fault::ping))
            return stream(shared, event_text(R"({"jsonrpc":"2.0","id":"ping-1","method":"ping"})"),
                          event_text(response));
        exchange.respond(response.status, std::move(response.fields), std::move(response.body));
        if (is_answer) end_ping();
    }

    /// Begins a stream with an event. `rest` follows when a ping has been answered; without it, the stream stays open.
    void stream(std::shared_ptr<http::exchange> exchange, std::string first, std::string rest) {
        exchange->begin(200, {{"Content-Type", "text/event-stream"}});
        if (!rest.empty()) {
            pinged = exchange;
            answer_after_ping = std::move(rest);
        }
        write(std::move(exchange), std::move(first), rest.empty());
    }

    void end_ping() {
        if (!pinged) return;
        write(std::exchange(pinged, nullptr), std::exchange(answer_after_ping, {}), false, true);
    }

    /// Writes, and then keeps the connection until the client closes it, or ends the response.
    void write(std::shared_ptr<http::exchange> exchange, std::string text, bool stays_open, bool finishes = false) {
        const auto writing = [](std::shared_ptr<http::exchange> to, std::string bytes, bool stays,
                                bool ends) -> asio::awaitable<void> {
            const auto target = to;
            co_await target->write(std::move(bytes));
            if (ends) target->finish();
            if (stays) co_await target->closed();
        };
        // A client that has gone does not matter.
        asio::co_spawn(context, writing(std::move(exchange), std::move(text), stays_open, finishes),
                       [](std::exception_ptr) {});
    }

    static std::string event_text(std::string_view data) { return "data: " + std::string(data) + "\n\n"; }
    static std::string event_text(const mcp_response& response) {
        return response.body.starts_with("event:") ? response.body : event_text(response.body);
    }

    mcp_response response_to(const http::request& request, const mcp_call_record& call, const json& message) {
        if (request.target.substr(0, request.target.find('?')) != "/mcp") return mcp_response(404);
        const std::string_view origin = http::find(request.fields, "origin");
        if (!is_this_machine(http::find(request.fields, "host")) || (!origin.empty() && !is_this_machine(origin)))
            return mcp_response(403);
        if (takes(mcp_fault::redirect)) return mcp_response(307).with("Location", "http://127.0.0.2:9/mcp");
        const bool is_refused = takes(mcp_fault::unauthorized);
        if (is_refused || (options.require_token && !accepted(call.authorization))) {
            const bool has_token = !call.authorization.empty();
            return mcp_response(401).with("WWW-Authenticate", has_token ? R"(Bearer realm="mcp", error="invalid_token")"
                                                                        : R"(Bearer realm="mcp")");
        }
        const std::string_view version = http::find(request.fields, "mcp-protocol-version");
        const json& meta = get(get(message, "params"), "_meta");
        const bool is_modern = version >= modern_version || !get(meta, version_key).is_null();
        if (options.modern && (is_modern || !options.legacy)) return modern_response(request, message);
        if (request.method == "DELETE") return end_session(call.session);
        if (request.method != "POST") return mcp_response(405).with("Allow", "POST, DELETE");
        if (auto problem = transport_problem(request)) return std::move(*problem);
        if (message.is_discarded()) return json_response(400, error_body(nullptr, parse_error, "Not JSON."));
        const bool is_answer = !get(message, "result").is_null() || !get(message, "error").is_null();
        if (get(message, "jsonrpc") != "2.0" || (!get(message, "method").is_string() && !is_answer))
            return json_response(400, error_body(nullptr, invalid_request, "Not a JSON-RPC 2.0 request."));
        const json& id = get(message, "id");
        if (call.method != "initialize" && options.sessions) {
            if (call.session.empty())
                return json_response(400, error_body(id, invalid_request, "Mcp-Session-Id is missing."));
            if (takes(mcp_fault::session_lost)) std::erase_if(sessions, has_id(call.session));
            const auto session = std::find_if(sessions.begin(), sessions.end(), has_id(call.session));
            if (session == sessions.end())
                return json_response(404, error_body(id, invalid_request, "No such session."));
            if (session->user != call.user)
                return json_response(403, error_body(id, invalid_request, "The session is another user's."));
        }
        if (call.method.empty()) return mcp_response(202);  // an answer
        if (id.is_null()) return mcp_response(202);         // a notification
        return call_method(call, id, get(message, "params"));
    }

    // 2026-07-28: no sessions, and header fields that repeat parts of the body.

    mcp_response modern_response(const http::request& request, const json& message) {
        if (request.method != "POST") return mcp_response(405).with("Allow", "POST");
        if (auto problem = transport_problem(request)) return std::move(*problem);
        const json& id = get(message, "id");
        json body;
        try {
            check_modern(request, message);
            body["jsonrpc"] = "2.0";
            body["id"] = id;
            const json& parameters = get(message, "params");
            const std::string method = get_string(message, "method");
            const auto called = find_tool(get(parameters, "name"));
            if (method == "tools/call" && called != tools.end())
                check_parameters(request, called->schema, get(parameters, "arguments"));
            body["result"] = modern_result(method, parameters);
        } catch (const rpc_error& error) {
            body = error_body(id, error.code, error.message);
            if (error.code == unsupported_version) {
                body["error"]["data"]["supported"] = json::array({modern_version});
                body["error"]["data"]["requested"] = http::find(request.fields, "mcp-protocol-version");
            }
            return json_response(error.status, body);
        }
        return options.event_streams ? event_response(body) : json_response(200, body);
    }

    json modern_result(const std::string& method, const json& parameters) {
        json result;
        if (method == "server/discover") {
            result["supportedVersions"] = json::array({modern_version});
            result["capabilities"]["tools"] = json::object();
        } else if (method == "tools/list") {
            result = list_tools(parameters);
        } else if (method == "tools/call") {
            result = call_tool(parameters);
        } else {
            throw rpc_error{method_not_found, "Method not found: " + method, 404};
        }
        result["resultType"] = "complete";
        if (method == "tools/call") return result;
        result["ttlMs"] = method == "tools/list" ? options.list_ttl.count() : 0;
        result["cacheScope"] = "private";
        return result;
    }

    mcp_response end_session(const std::string& session) {
        if (!options.sessions || session.empty()) return mcp_response(400);
        const auto found = std::find_if(sessions.begin(), sessions.end(), has_id(session));
        if (found == sessions.end()) return mcp_response(404);
        sessions.erase(found);
        return mcp_response(200);
    }

    /// What is wrong with the headers of a POST, if anything is.
    static std::optional<mcp_response> transport_problem(const http::request& request) {
        const auto accept = http::find(request.fields, "accept");
        for (const char* type : {"application/json", "text/event-stream"})
            if (accept.find(type) == std::string_view::npos && accept.find("*/*") == std::string_view::npos)
                return json_response(406, error_body(nullptr, invalid_request,
                                                     "The client must accept application/json and text/event-stream."));
        if (!http::find(request.fields, "content-type").starts_with("application/json")) return mcp_response(415);
        return std::nullopt;
    }

    mcp_response call_method(const mcp_call_record& call, const json& id, const json& parameters) {
        const std::string& method = call.method;
        json body;
        body["jsonrpc"] = "2.0";
        body["id"] = id;
        try {
            body["result"] = result_of(method, parameters);
        } catch (const rpc_error& error) {
            body = error_body(id, error.code, error.message);
        }
        auto result = options.event_streams ? event_response(body) : json_response(200, body);
        if (method != "initialize" || !options.sessions) return result;
        discard_older_half(sessions);
        sessions.push_back({"session-" + std::to_string(++sessions_created), call.user});
        return std::move(result).with("Mcp-Session-Id", sessions.back().id);
    }

    template <class List>
    void discard_older_half(List& list) const {
        if (list.size() >= options.recorded_requests) list.erase(list.begin(), list.begin() + std::ssize(list) / 2);
    }

    /// Null for a token that is not accepted.
    const accepted_token* accepted(std::string_view authorization) const {
        constexpr std::string_view scheme = "Bearer ";
        if (!authorization.starts_with(scheme)) return nullptr;
        const auto token = authorization.substr(scheme.size());
        const auto found = tokens.find(token);
        const auto now = options.clock();
        if (found == tokens.end() || now >= found->second.until || is_expired_jwt(token, now)) return nullptr;
        return &found->second;
    }

    json result_of(const std::string& method, const json& parameters) {
        if (method == "ping") return json::object();
        if (method == "initialize") return initialize(parameters);
        if (method == "tools/list") return list_tools(parameters);
        if (method == "tools/call") return call_tool(parameters);
        throw rpc_error{method_not_found, "Method not found: " + method};
    }

    json initialize(const json& parameters) const {
        const std::string wanted = get_string(parameters, "protocolVersion");
        json result;
        result["protocolVersion"] = wanted == "2025-03-26" ? wanted : "2025-06-18";
        result["capabilities"]["tools"] = json::object();
        result["serverInfo"]["name"] = options.name;
        result["serverInfo"]["version"] = "1";
        return result;
    }

    [[nodiscard]] std::vector<tool>::const_iterator find_tool(const json& name) const {
        return std::find_if(tools.begin(), tools.end(), [&](const tool& one) { return name == one.name; });
    }

    json list_tools(const json& parameters) {
        auto next = tools.cbegin();
        const bool is_endless = takes(mcp_fault::endless_cursors);
        if (const json& cursor = get(parameters, "cursor"); !cursor.is_null() && !is_endless) {
            next = find_tool(cursor);
            if (next == tools.end()) throw rpc_error{invalid_params, "Unknown cursor."};
        }
        json result;
        result["tools"] = json::array();
        for (std::size_t count = 0; next != tools.end() && (options.page_size == 0 || count != options.page_size);
             ++next, ++count) {
            json shown;
            shown["name"] = next->name;
            shown["description"] = next->description;
            shown["inputSchema"] = next->schema;
            result["tools"].push_back(std::move(shown));
        }
        if (next != tools.end()) result["nextCursor"] = next->name;
        if (is_endless) result["nextCursor"] = "cursor-" + std::to_string(++cursors_created);
        return result;
    }

    json call_tool(const json& parameters) {
        const std::string name = get_string(parameters, "name");
        const auto found = find_tool(name);
        if (found == tools.end()) throw rpc_error{invalid_params, "Unknown tool: " + name};
        const json& arguments = get(parameters, "arguments");
        for (const auto& required : get(found->schema, "required"))
            if (required.is_string() && !arguments.contains(required.get<std::string>()))
                throw rpc_error{invalid_params, "Missing argument: " + required.get<std::string>()};
        json result;
        result["content"] = json::array();
        result["isError"] = false;
        try {
            const json_text content = found->handler(arguments.is_null() ? "{}" : text_of(arguments));
            result["content"] = json::parse(content.text());
        } catch (const std::exception& error) {
            result["isError"] = true;
            result["content"].push_back(text_block(error.what()));
        }
        if (takes(mcp_fault::huge_result)) result["content"] = json::array({text_block(std::string(huge_bytes, 'x'))});
        return result;
    }
};

mcp_server::mcp_server(asio::io_context& context, mcp_server_options options)
    : impl_(std::make_shared<impl>(context, std::move(options))) {
    impl_->server.emplace(context, impl_->options.address, impl_->options.port,
                          [weak = impl_->weak_from_this()](std::shared_ptr<http::exchange> exchange) {
                              if (const auto self = weak.lock()) self->serve(std::move(exchange));
                          });
}
mcp_server::~mcp_server() {
    if (impl_) stop();
}
mcp_server::mcp_server(mcp_server&&) noexcept = default;
mcp_server& mcp_server::operator=(mcp_server&& other) noexcept {
    if (impl_ && this != &other) stop();
    impl_ = std::move(other.impl_);
    return *this;
}

std::string mcp_server::url() const {
    return "http://" + impl_->options.address + ":" + std::to_string(impl_->server->port()) + "/mcp";
}
void mcp_server::accept_token(std::string token, std::chrono::system_clock::time_point until, std::string user) {
    impl_->tokens[std::move(token)] = {until, std::move(user)};
}
void mcp_server::misbehave(mcp_fault fault, std::size_t times) {
    impl_->faults[fault] = times;
}
void mcp_server::revoke_token(std::string_view token) {
    if (const auto found = impl_->tokens.find(token); found != impl_->tokens.end()) impl_->tokens.erase(found);
}
void mcp_server::add_tool(std::string name, std::string description, json_text schema, tool_handler handler) {
    add_content_tool(std::move(name), std::move(description), std::move(schema),
                     [handler = std::move(handler)](std::string_view arguments) {
                         return json_text(text_of(json::array({text_block(handler(arguments))})));
                     });
}

void mcp_server::add_content_tool(std::string name, std::string description, json_text schema,
                                  content_handler handler) {
    json parsed = json::parse(schema.text(), nullptr, false);
    if (!parsed.is_object()) throw std::invalid_argument("schema of tool " + name + ": not a JSON object");
    impl_->tools.push_back({std::move(name), std::move(description), std::move(parsed), std::move(handler)});
}
const std::vector<mcp_call_record>& mcp_server::calls() const noexcept {
    return impl_->calls;
}
void mcp_server::stop() {
    impl_->server->stop();
}

}  // namespace corun::emulator
