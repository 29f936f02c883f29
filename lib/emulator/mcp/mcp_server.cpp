#include "emulator/http/http_server.hpp"
#include "emulator/json.hpp"
#include "text/base64.hpp"
#include <corun/emulator/emulator.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>

namespace corun::emulator {
namespace {

constexpr int parse_error = -32700, invalid_request = -32600, method_not_found = -32601, invalid_params = -32602;

struct rpc_error {
    int code;
    std::string message;
};

struct tool {
    std::string name, description;
    json schema;
    mcp_server::tool_handler handler;
};

/// Whether a token is a JWT that says it has expired.
bool is_expired_jwt(std::string_view token, std::chrono::system_clock::time_point now) {
    const auto first = token.find('.'), second = token.find('.', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return false;
    const std::string_view payload = token.substr(first + 1, second - first - 1);
    const auto decoded = base64::decode_url(payload.substr(0, payload.find('=')));
    const json claims = json::parse(decoded.value_or(""), nullptr, false);
    const json& expiry = get(claims, "exp");
    // A clock that counts in nanoseconds ends in 2262. An `exp` may be far beyond that, and a decimal too.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return expiry.is_number() && static_cast<double>(seconds) >= expiry.get<double>();
}

}  // namespace

mcp_server_options::mcp_server_options() = default;

struct mcp_server::impl : std::enable_shared_from_this<mcp_server::impl> {
    explicit impl(mcp_server_options what) : options(std::move(what)) {
        if (!options.clock) options.clock = [] { return std::chrono::system_clock::now(); };
    }

    mcp_server_options options;
    std::optional<http::server> server;
    std::map<std::string, std::chrono::system_clock::time_point, std::less<>> tokens;
    std::vector<tool> tools;
    std::vector<mcp_call_record> calls;
    std::deque<std::string> sessions;  // the oldest first
    std::uint64_t sessions_made = 0;

    void serve(http::exchange& exchange) {
        const auto& request = exchange.request;
        mcp_call_record seen;
        seen.method = request.method;
        seen.authorization = http::find(request.fields, "authorization");
        seen.headers = request.fields;
        seen.session = http::find(request.fields, "mcp-session-id");
        seen.body = request.body;
        const json message = request.method == "POST" ? json::parse(request.body, nullptr, false) : json(nullptr);
        if (message.is_object()) seen.method = get_string(message, "method");

        const auto answer = [&](int status, http::fields fields, std::string body) {
            seen.status = status;
            forget_older_half(calls);
            calls.push_back(std::move(seen));
            exchange.respond(status, std::move(fields), std::move(body));
        };
        const auto answer_json = [&](int status, json body, http::fields fields = {}) {
            const bool as_events = options.event_streams && status == 200;
            fields.emplace_back("Content-Type", as_events ? "text/event-stream" : "application/json");
            std::string text = text_of(body);
            if (as_events) text = "event: message\ndata: " + text + "\n\n";
            answer(status, std::move(fields), std::move(text));
        };
        const auto problem = [](const json& id, int code, const std::string& text) {
            json body;
            body["jsonrpc"] = "2.0";
            body["id"] = id;
            body["error"]["code"] = code;
            body["error"]["message"] = text;
            return body;
        };

        if (request.target.substr(0, request.target.find('?')) != "/mcp") return answer(404, {}, {});
        if (options.require_token && !is_accepted(seen.authorization)) {
            http::fields fields;
            fields.emplace_back("WWW-Authenticate", seen.authorization.empty()
                                                        ? R"(Bearer realm="mcp")"
                                                        : R"(Bearer realm="mcp", error="invalid_token")");
            return answer(401, std::move(fields), {});
        }
        const auto session = std::find(sessions.begin(), sessions.end(), seen.session);
        const bool knows_session = !options.sessions || session != sessions.end();
        if (request.method == "DELETE") {
            if (!options.sessions || seen.session.empty()) return answer(400, {}, {});
            if (!knows_session) return answer(404, {}, {});
            sessions.erase(session);
            return answer(200, {}, {});
        }
        if (request.method != "POST") {
            http::fields fields;
            fields.emplace_back("Allow", "POST, DELETE");
            return answer(405, std::move(fields), {});
        }
        const std::string accept(http::find(request.fields, "accept"));
        for (const char* type : {"application/json", "text/event-stream"})
            if (accept.find(type) == std::string::npos && accept.find("*/*") == std::string::npos)
                return answer_json(406, problem(nullptr, invalid_request,
                                                "The client must accept application/json and text/event-stream."));
        if (!http::find(request.fields, "content-type").starts_with("application/json")) return answer(415, {}, {});
        if (message.is_discarded()) return answer_json(400, problem(nullptr, parse_error, "Not JSON."));
        if (get(message, "jsonrpc") != "2.0" || !get(message, "method").is_string())
            return answer_json(400, problem(nullptr, invalid_request, "Not a JSON-RPC 2.0 request."));

        const json& id = get(message, "id");
        if (seen.method != "initialize") {
            if (options.sessions && seen.session.empty())
                return answer_json(400, problem(id, invalid_request, "Mcp-Session-Id is missing."));
            if (!knows_session) return answer_json(404, problem(id, invalid_request, "No such session."));
        }
        if (id.is_null()) return answer(202, {}, {});

        try {
            json body;
            body["jsonrpc"] = "2.0";
            body["id"] = id;
            body["result"] = result_of(seen.method, get(message, "params"));
            http::fields fields;
            if (seen.method == "initialize" && options.sessions) {
                const std::string made = "session-" + std::to_string(++sessions_made);
                forget_older_half(sessions);
                sessions.push_back(made);
                fields.emplace_back("Mcp-Session-Id", made);
            }
            answer_json(200, std::move(body), std::move(fields));
        } catch (const rpc_error& error) {
            answer_json(200, problem(id, error.code, error.message));
        }
    }

    template <class List>
    void forget_older_half(List& list) const {
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
        json result = json::object();
        if (method == "ping") return result;
        if (method == "initialize") {
            const std::string wanted = get_string(parameters, "protocolVersion");
            result["protocolVersion"] = wanted == "2025-03-26" ? wanted : "2025-06-18";
            result["capabilities"]["tools"] = json::object();
            result["serverInfo"]["name"] = options.name;
            result["serverInfo"]["version"] = "1";
            return result;
        }
        if (method == "tools/list") {
            std::size_t first = 0;
            if (const json& cursor = get(parameters, "cursor"); !cursor.is_null()) {
                const auto at =
                    std::find_if(tools.begin(), tools.end(), [&](const tool& one) { return cursor == one.name; });
                if (at == tools.end()) throw rpc_error{invalid_params, "Unknown cursor."};
                first = static_cast<std::size_t>(at - tools.begin());
            }
            const std::size_t last =
                options.page_size ? std::min(tools.size(), first + options.page_size) : tools.size();
            result["tools"] = json::array();
            for (std::size_t i = first; i != last; ++i) {
                json shown;
                shown["name"] = tools[i].name;
                shown["description"] = tools[i].description;
                shown["inputSchema"] = tools[i].schema;
                result["tools"].push_back(std::move(shown));
            }
            if (last != tools.size()) result["nextCursor"] = tools[last].name;
            return result;
        }
        if (method == "tools/call") {
            const std::string name = get_string(parameters, "name");
            const auto found =
                std::find_if(tools.begin(), tools.end(), [&](const tool& one) { return one.name == name; });
            if (found == tools.end()) throw rpc_error{invalid_params, "Unknown tool: " + name};
            const json& given = get(parameters, "arguments");
            for (const auto& required : get(found->schema, "required"))
                if (required.is_string() && !given.contains(required.get<std::string>()))
                    throw rpc_error{invalid_params, "Missing argument: " + required.get<std::string>()};
            json content;
            content["type"] = "text";
            bool failed = false;
            try {
                content["text"] = found->handler(given.is_null() ? "{}" : text_of(given));
            } catch (const std::exception& error) {
                failed = true;
                content["text"] = error.what();
            }
            result["content"] = json::array();
            result["content"].push_back(std::move(content));
            result["isError"] = failed;
            return result;
        }
        throw rpc_error{method_not_found, "Method not found: " + method};
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
void mcp_server::add_tool(std::string name, std::string description, std::string_view schema, tool_handler handler) {
    json parsed = json::parse(schema, nullptr, false);
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
