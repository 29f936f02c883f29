#include "emulator/http/http_server.hpp"
#include "emulator/json.hpp"
#include "text/base64.hpp"
#include <corun/emulator/emulator.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

namespace corun::emulator {
namespace {

constexpr int parse_error = -32700, invalid_request = -32600, method_not_found = -32601, invalid_params = -32602;

struct rpc_error {
    int code;
    std::string message;
};

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
    mcp_server::tool_handler handler;
};

/// Whether a token is a JWT past its `exp`, which may have any size and sign.
bool is_expired_jwt(std::string_view token, std::chrono::system_clock::time_point now) {
    const auto first = token.find('.'), second = token.find('.', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return false;
    const std::string_view payload = token.substr(first + 1, second - first - 1);
    const auto decoded = base64::decode_url(payload.substr(0, payload.find('=')));
    const json claims = json::parse(decoded.value_or(""), nullptr, false);
    const json& expiry = get(claims, "exp");
    // A clock that counts in nanoseconds ends in 2262; `exp` may be far beyond that, and a decimal.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return expiry.is_number() && static_cast<double>(seconds) >= expiry.get<double>();
}

}  // namespace

mcp_server_options::mcp_server_options() = default;

struct mcp_server::impl : std::enable_shared_from_this<mcp_server::impl> {
    explicit impl(mcp_server_options settings) : options(std::move(settings)) {
        if (!options.clock) options.clock = [] { return std::chrono::system_clock::now(); };
    }

    mcp_server_options options;
    std::optional<http::server> server;
    std::map<std::string, std::chrono::system_clock::time_point, std::less<>> tokens;
    std::vector<tool> tools;
    std::vector<mcp_call_record> calls;
    std::deque<std::string> sessions;  ///< The oldest first.
    std::uint64_t sessions_created = 0;

    void serve(http::exchange& exchange) {
        const auto& request = exchange.request;
        mcp_call_record call;
        call.method = request.method;
        call.authorization = http::find(request.fields, "authorization");
        call.headers = request.fields;
        call.session = http::find(request.fields, "mcp-session-id");
        call.body = request.body;
        const json message = request.method == "POST" ? json::parse(request.body, nullptr, false) : json(nullptr);
        if (message.is_object()) call.method = get_string(message, "method");

        auto response = response_to(request, call, message);
        call.status = response.status;
        discard_older_half(calls);
        calls.push_back(std::move(call));
        exchange.respond(response.status, std::move(response.fields), std::move(response.body));
    }

    mcp_response response_to(const http::request& request, const mcp_call_record& call, const json& message) {
        if (request.target.substr(0, request.target.find('?')) != "/mcp") return mcp_response(404);
        if (options.require_token && !is_accepted(call.authorization)) {
            const bool has_token = !call.authorization.empty();
            return mcp_response(401).with("WWW-Authenticate", has_token ? R"(Bearer realm="mcp", error="invalid_token")"
                                                                        : R"(Bearer realm="mcp")");
        }
        if (request.method == "DELETE") return end_session(call.session);
        if (request.method != "POST") return mcp_response(405).with("Allow", "POST, DELETE");
        if (auto problem = transport_problem(request)) return std::move(*problem);
        if (message.is_discarded()) return json_response(400, error_body(nullptr, parse_error, "Not JSON."));
        if (get(message, "jsonrpc") != "2.0" || !get(message, "method").is_string())
            return json_response(400, error_body(nullptr, invalid_request, "Not a JSON-RPC 2.0 request."));
        const json& id = get(message, "id");
        if (call.method != "initialize" && options.sessions) {
            if (call.session.empty())
                return json_response(400, error_body(id, invalid_request, "Mcp-Session-Id is missing."));
            if (std::find(sessions.begin(), sessions.end(), call.session) == sessions.end())
                return json_response(404, error_body(id, invalid_request, "No such session."));
        }
        if (id.is_null()) return mcp_response(202);  // a notification
        return call_method(call.method, id, get(message, "params"));
    }

    mcp_response end_session(const std::string& session) {
        if (!options.sessions || session.empty()) return mcp_response(400);
        const auto found = std::find(sessions.begin(), sessions.end(), session);
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

    mcp_response call_method(const std::string& method, const json& id, const json& parameters) {
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
        sessions.push_back("session-" + std::to_string(++sessions_created));
        return std::move(result).with("Mcp-Session-Id", sessions.back());
    }

    template <class List>
    void discard_older_half(List& list) const {
        if (list.size() >= options.recorded_requests) list.erase(list.begin(), list.begin() + std::ssize(list) / 2);
    }

    bool is_accepted(std::string_view authorization) const {
        constexpr std::string_view scheme = "Bearer ";
        if (!authorization.starts_with(scheme)) return false;
        const auto token = authorization.substr(scheme.size());
        const auto found = tokens.find(token);
        const auto now = options.clock();
        return found != tokens.end() && now < found->second && !is_expired_jwt(token, now);
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

    json list_tools(const json& parameters) const {
        auto next = tools.begin();
        if (const json& cursor = get(parameters, "cursor"); !cursor.is_null()) {
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
        return result;
    }

    json call_tool(const json& parameters) const {
        const std::string name = get_string(parameters, "name");
        const auto found = find_tool(name);
        if (found == tools.end()) throw rpc_error{invalid_params, "Unknown tool: " + name};
        const json& arguments = get(parameters, "arguments");
        for (const auto& required : get(found->schema, "required"))
            if (required.is_string() && !arguments.contains(required.get<std::string>()))
                throw rpc_error{invalid_params, "Missing argument: " + required.get<std::string>()};
        json content;
        content["type"] = "text";
        bool has_failed = false;
        try {
            content["text"] = found->handler(arguments.is_null() ? "{}" : text_of(arguments));
        } catch (const std::exception& error) {
            has_failed = true;
            content["text"] = error.what();
        }
        json result;
        result["content"] = json::array();
        result["content"].push_back(std::move(content));
        result["isError"] = has_failed;
        return result;
    }
};

mcp_server::mcp_server(asio::io_context& context, mcp_server_options options)
    : impl_(std::make_shared<impl>(std::move(options))) {
    impl_->server.emplace(context, impl_->options.address, impl_->options.port,
                          [weak = impl_->weak_from_this()](std::shared_ptr<http::exchange> exchange) {
                              if (const auto self = weak.lock()) self->serve(*exchange);
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
void mcp_server::accept_token(std::string token, std::chrono::system_clock::time_point until) {
    impl_->tokens[std::move(token)] = until;
}
void mcp_server::revoke_token(std::string_view token) {
    if (const auto found = impl_->tokens.find(token); found != impl_->tokens.end()) impl_->tokens.erase(found);
}
void mcp_server::add_tool(std::string name, std::string description, json_text schema, tool_handler handler) {
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
