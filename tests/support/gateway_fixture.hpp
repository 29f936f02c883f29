#pragma once
#include "drive.hpp"
#include "leaks.hpp"
#include "raw_http.hpp"
#ifdef REDIS_PROGRAM
#include "redis_server.hpp"
#endif
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/gateway/gateway.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

using json = nlohmann::ordered_json;

/// An event of an event stream, as text.
struct frame {
    std::string id, type, data;
    [[nodiscard]] json value() const { return json::parse(data, nullptr, false); }
};

inline std::vector<frame> frames_of(std::string_view body) {
    std::vector<frame> frames;
    sse::parser parser;
    parser.feed(body);
    while (const sse::event* each = parser.next())
        frames.push_back({std::string(each->last_event_id), std::string(each->type), std::string(each->data)});
    return frames;
}

/// Where a gateway keeps logs.
enum class log_place { memory, redis };

/// A gateway before the emulator, in one of the protocols. The header `X-User` signs in; each user has a token for
/// the MCP server.
struct gated {
    explicit gated(protocol spoken, gateway::gateway_options options = {}, log_place place = log_place::memory,
                   emulator::service_options behaviour = {})
        : spoken_by_client(spoken) {
#ifdef REDIS_PROGRAM
        if (place == log_place::redis) {
            redis.emplace();
            options.redis.url = redis->url();
        }
#endif
        service.emplace(io, std::move(behaviour));
        emulator::mcp_server_options mcp_options;
        mcp_options.modern = false;
        mcp.emplace(io, std::move(mcp_options));
        mcp->add_tool("reserve_seat", "Reserves one seat.",
                      R"({"type":"object","properties":{"seat":{"type":"string"}},"required":["seat"]})",
                      [](std::string_view) { return std::string("seat 14A is yours"); });
        client_options settings;
        settings.protocol = spoken;
        settings.retry.max_retries = 0;
        settings.reattach.enabled = false;
        corun::client client(io.get_executor(), service->endpoint(), credential::bearer(service->token()), settings);
        agent_definition definition("gpt-4o");
        definition.name = "travel-desk";
        definition.tools.push_back(mcp_tool("bookings", mcp->url()));
        definition.tools.push_back(
            function_tool("get_weather", "The weather.", R"({"type":"object","properties":{}})"));
        agent runner = spoken == protocol::responses ? client.local_agent(migrate(definition).definition)
                                                     : await(io, client.create_agent(definition));
        service->script("", {emulator::step::reply("You said: {message}")});
        make_server = [this, client, runner, options] { return make(client, runner, options); };
        server.emplace(make_server());
        await(io, server->ready());
    }
    ~gated() {
        if (server) server->stop();
        service->stop();
        mcp->stop();
        run_ready(io);
    }
    gated(const gated&) = delete;
    gated& operator=(const gated&) = delete;

    gateway::gateway_server make(corun::client client, agent runner, gateway::gateway_options options) {
        if (spoken_by_client == protocol::responses) options.run.background = true;
        options.find_user = [this](std::string name) -> std::optional<gateway::user> {
            ++lookups;
            return gateway::user(name, mcp_headers("bookings", {{"Authorization", "Bearer " + token_of(name)}}));
        };
        options.sign_in = [this](gateway::request_head head) -> std::optional<gateway::user> {
            const std::string name(head.header("X-User"));
            if (name.empty()) return {};
            return gateway::user(name, mcp_headers("bookings", {{"Authorization", "Bearer " + token_of(name)}}));
        };
        options.on_access = [this](const gateway::access_record& record) { records.push_back(record); };
        return gateway::gateway_server(io, std::move(client), std::move(runner), std::move(options));
    }

    std::string token_of(const std::string& name) {
        const std::string token = planted_secret("token-of-" + name);
        mcp->accept_token(token);
        return token;
    }

    [[nodiscard]] http_request request(std::string method, const std::string& path, const std::string& user,
                                       std::string body = {}) const {
        http_request made(server->url() + path);
        made.method = std::move(method);
        if (!user.empty()) made.headers.emplace_back("X-User", user);
        if (!body.empty()) made.headers.emplace_back("Content-Type", "application/json");
        made.body = std::move(body);
        return made;
    }
    raw_response send(http_request made) {
        return await(io, exchange_raw(std::move(made)));
    }
    raw_response get(const std::string& path, const std::string& user = "anna") {
        return send(request("GET", path, user));
    }
    raw_response post(const std::string& path, const json& body, const std::string& user = "anna") {
        return send(request("POST", path, user, body.dump()));
    }
    /// A response that is read as it comes.
    class watching {
    public:
        watching(asio::io_context& io, http_request made) : io_(io), socket_(await(io, send_raw(std::move(made)))) {}

        /// Reads until a frame of this type, or with this member `type` in its data, has come.
        std::vector<frame> until(const std::string& type) {
            while (true) {
                std::vector<frame> frames = frames_of(parse_response(bytes).body);
                for (auto each = frames.begin(); each != frames.end(); ++each) {
                    if (each->type != type && each->data.find("\"type\":\"" + type + "\"") == std::string::npos)
                        continue;
                    // More may have come with it.
                    frames.erase(each + 1, frames.end());
                    return frames;
                }
                read();
            }
        }
        /// Reads until the response has this many bytes of body.
        void until_size(std::size_t size) {
            while (parse_response(bytes).body.size() < size) read();
        }
        raw_response rest() { return await(io_, read_rest(*socket_, std::move(bytes))); }
        asio::ip::tcp::socket& socket() { return *socket_; }

        std::string bytes;

    private:
        void read() {
            std::string piece(4096, '\0');
            std::optional<std::size_t> size;
            socket_->async_read_some(asio::buffer(piece), [&](std::error_code code, std::size_t n) {
                if (code) throw std::system_error(code, "the response has ended");
                size = n;
            });
            run_until(io_, [&] { return size.has_value(); });
            bytes.append(piece, 0, *size);
        }

        asio::io_context& io_;
        std::unique_ptr<asio::ip::tcp::socket> socket_;
    };
    watching watch(const std::string& id, const std::string& user = "anna") {
        return {io, request("GET", "/runs/" + id + "/events", user)};
    }

    /// Starts a run, and returns its id.
    std::string start(const std::string& input, const std::string& user = "anna") {
        return json::parse(post("/runs", {{"input", input}}, user).body).at("id");
    }
    std::string state_of(const std::string& id) {
        return json::parse(get("/runs/" + id).body).at("state");
    }
    /// Runs until the run has this state.
    void wait_for(const std::string& id, const std::string& state) {
        while (state_of(id) != state) io.run_one();
    }

    protocol spoken_by_client;
    asio::io_context io;
#ifdef REDIS_PROGRAM
    std::optional<redis_server> redis;
#endif
    std::function<gateway::gateway_server()> make_server;  ///< Another one of the same kind.
    std::size_t lookups = 0;                               ///< Of users by their id.
    std::optional<emulator::service> service;
    std::optional<emulator::mcp_server> mcp;
    std::optional<gateway::gateway_server> server;
    std::vector<gateway::access_record> records;
};

/// The whole text that plain events tell.
inline std::string text_of(const std::vector<frame>& frames) {
    std::string text;
    for (const frame& each : frames)
        if (each.type == "part.delta") text += each.value().at("text").get<std::string>();
    return text;
}
inline std::vector<std::string> types_of(const std::vector<frame>& frames) {
    std::vector<std::string> types;
    for (const frame& each : frames) types.push_back(each.type);
    return types;
}

}  // namespace corun::test

#ifdef REDIS_PROGRAM
#define WITH_REDIS(name)                                        \
    BOOST_AUTO_TEST_CASE(threads_and_redis) {                   \
        name(protocol::threads, {}, log_place::redis).test();   \
    }                                                           \
    BOOST_AUTO_TEST_CASE(responses_and_redis) {                 \
        name(protocol::responses, {}, log_place::redis).test(); \
    }
#else
#define WITH_REDIS(name)
#endif

/// A test with a fixture that is given the protocol, once with each; `more` are further cases of it.
#define WITH_EACH_PROTOCOL(name, fixture, more) \
    struct name : fixture {                     \
        using fixture::fixture;                 \
        void test();                            \
    };                                          \
    BOOST_AUTO_TEST_SUITE(name##_in)            \
    BOOST_AUTO_TEST_CASE(threads) {             \
        name(protocol::threads).test();         \
    }                                           \
    BOOST_AUTO_TEST_CASE(responses) {           \
        name(protocol::responses).test();       \
    }                                           \
    more BOOST_AUTO_TEST_SUITE_END() void name::test()

/// A test of a gateway whose client speaks each protocol, with both kinds of logs.
#define WITH_EACH_CLIENT(name) WITH_EACH_PROTOCOL(name, gated, WITH_REDIS(name))
