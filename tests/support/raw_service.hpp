#pragma once
#include "emulated.hpp"
#include "frame.hpp"
#include "loopback_server.hpp"
#include <corun/corun.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
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

    [[nodiscard]] error failure(client_options options) {
        return failure_of(io, make_agent(std::move(options)).run("hi"));
    }
    [[nodiscard]] error failure() { return failure(settings()); }

    // Events of a run that writes `Row 3 is free.`
    [[nodiscard]] std::string begun() const {
        if (!is_responses()) return frame("thread.run.created", R"({"id":"run_1","thread_id":"t","status":"queued"})");
        return frame("response.created", R"({"response":{"id":"resp_1","status":"in_progress","output":[]}})");
    }
    [[nodiscard]] std::string written() const {
        constexpr std::string_view delta =
            R"({"item_id":"m","output_index":0,"content_index":0,"delta":"Row 3 is free."})";
        constexpr std::string_view content =
            R"({"id":"m","delta":{"content":[{"index":0,"type":"text","text":{"value":"Row 3 is free."}}]}})";
        return is_responses() ? frame("response.output_text.delta", delta) : frame("thread.message.delta", content);
    }
    [[nodiscard]] std::string completed() const {
        if (!is_responses())
            return frame("thread.run.completed", R"({"id":"run_1","thread_id":"t","status":"completed"})");
        return frame("response.completed", R"({"response":{"id":"resp_1","status":"completed","output":[]}})");
    }
    [[nodiscard]] std::string text() const { return begun() + written() + completed(); }
    [[nodiscard]] std::string failed(const std::string& reason) const {
        const std::string run = R"({"id":"run_1","thread_id":"t","status":"failed","last_error":)" + reason + '}';
        const std::string response = R"({"response":{"id":"resp_1","status":"failed","error":)" + reason + "}}";
        return begun() + (is_responses() ? frame("response.failed", response) : frame("thread.run.failed", run));
    }

    [[nodiscard]] std::size_t posts() const {
        return static_cast<std::size_t>(std::count_if(
            requests.begin(), requests.end(), [](const raw_request& each) { return each.head.starts_with("POST"); }));
    }
    [[nodiscard]] bool is_responses() const noexcept { return protocol_ == protocol::responses; }
    [[nodiscard]] std::string url() const { return server_.url(); }
    [[nodiscard]] std::size_t connections() const { return server_.connections(); }

    asio::io_context io;
    std::vector<raw_request> requests;
    std::string answer_to_reads =
        whole_response(200, "application/json", R"({"id":"asst_1","object":"assistant","model":"m"})");
    /// Asked for each request on a connection that has served another: whether the connection has been closed as idle
    /// while the request was on its way.
    std::function<bool()> has_closed_idle;

private:
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> peer) {
        bool goes_on = true;
        for (bool first = true; goes_on; first = false) {
            const raw_request request = co_await peer->read();
            if (request.head.empty() || (!first && has_closed_idle && has_closed_idle())) break;
            requests.push_back(request);
            std::string response = response_to(request);
            goes_on = response.find("Connection: close") == response.npos;
            co_await peer->write(std::move(response));
        }
        peer->close();
    }

    std::string response_to(const raw_request& request) {
        if (!request.head.starts_with("POST") || answers_.empty()) return answer_to_reads;
        std::string response = answers_.front();
        if (answers_.size() > 1) answers_.pop_front();
        return response;
    }

    corun::protocol protocol_;
    std::deque<std::string> answers_;
    loopback_server server_;
};

}  // namespace corun::test

/// A test in each protocol, where `service` answers.
#define IN_EACH_PROTOCOL(name)                                        \
    void name(corun::test::raw_service& service);                     \
    BOOST_AUTO_TEST_CASE(name##_in_threads) {                         \
        corun::test::raw_service service(corun::protocol::threads);   \
        name(service);                                                \
    }                                                                 \
    BOOST_AUTO_TEST_CASE(name##_in_responses) {                       \
        corun::test::raw_service service(corun::protocol::responses); \
        name(service);                                                \
    }                                                                 \
    void name(corun::test::raw_service& service)
