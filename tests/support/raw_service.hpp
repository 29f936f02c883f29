#pragma once
#include "drive.hpp"
#include "loopback_server.hpp"
#include <corun/corun.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// A service that answers each POST with the bytes that a test gives, in either protocol.
class raw_service {
public:
    explicit raw_service(corun::protocol spoken)
        : protocol_(spoken),
          server_(io, [this](std::shared_ptr<raw_connection> peer) { return serve(std::move(peer)); }) {}

    [[nodiscard]] client_options settings() const {
        client_options options;
        options.protocol = protocol_;
        options.retry.max_retries = 0;
        options.retry.first_delay = std::chrono::milliseconds(0);
        options.reattach.enabled = false;
        return options;
    }
    [[nodiscard]] agent make_agent(client_options options) {
        const bool responses = protocol_ == protocol::responses;
        client client(io.get_executor(), server_.url() + (responses ? "/v1" : "/api/projects/one"),
                      credential::bearer("planted-secret-key"), std::move(options));
        if (responses) return client.local_agent(prompt_agent_definition("m"));
        return await(io, client.get_agent("asst_1"));
    }
    [[nodiscard]] agent make_agent() { return make_agent(settings()); }

    /// The whole bytes of the next response to a POST; the last one answers all later ones too.
    void answer(std::string response) { answers_.push_back(std::move(response)); }
    void forget_answers() { answers_.clear(); }
    /// An event stream of this text.
    void stream(std::string_view events) {
        answer(response_head(200, "text/event-stream", "Connection: close\r\n\r\n") + std::string(events));
    }

    [[nodiscard]] bool is_responses() const noexcept { return protocol_ == protocol::responses; }
    [[nodiscard]] std::size_t connections() const { return server_.connections(); }

    asio::io_context io;
    std::vector<raw_request> requests;

private:
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> peer) {
        bool goes_on = true;
        while (goes_on) {
            const raw_request request = co_await peer->read();
            if (request.head.empty()) break;
            requests.push_back(request);
            std::string response = response_to(request);
            goes_on = response.find("Connection: close") == response.npos;
            co_await peer->write(std::move(response));
        }
        peer->close();
    }

    std::string response_to(const raw_request& request) {
        if (!request.head.starts_with("POST") || answers_.empty())
            return whole_response(200, "application/json", R"({"id":"asst_1","object":"assistant","model":"m"})");
        std::string response = answers_.front();
        if (answers_.size() > 1) answers_.pop_front();
        return response;
    }

    corun::protocol protocol_;
    std::deque<std::string> answers_;
    loopback_server server_;
};

}  // namespace corun::test
