#pragma once
#include "net/transport.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// A transport whose responses the test plays by hand, call by call.
class scripted_transport final : public net::transport {
public:
    class scripted_transfer final : public net::transfer {
    public:
        scripted_transfer(scripted_transport& owner, net::request sent_request, net::sink& receiver)
            : request(std::move(sent_request)), owner_(owner), sink_(receiver) {}
        ~scripted_transfer() override { owner_.current_ = nullptr; }

        void pause() noexcept override {
            paused = true;
            ++pauses;
        }
        void resume() noexcept override { paused = false; }

        void head(int status, std::string type) {
            net::response_head response;
            response.status = status;
            response.fields.emplace_back("Content-Type", std::move(type));
            response.fields.emplace_back("apim-request-id", "request-1");
            sink_.on_head(std::move(response));
        }
        void head(net::response_head response) { sink_.on_head(std::move(response)); }
        void sent(std::uint64_t count) { sink_.on_sent(count); }
        void bytes(std::string_view text) { sink_.on_bytes(text); }
        void done(std::error_code code = {}) { sink_.on_done(code, code ? "played by the test" : ""); }

        net::request request;
        bool paused = false;
        int pauses = 0;

    private:
        scripted_transport& owner_;
        net::sink& sink_;
    };

    std::unique_ptr<net::transfer> start(net::request sent_request, net::sink& receiver) override {
        auto started = std::make_unique<scripted_transfer>(*this, std::move(sent_request), receiver);
        current_ = started.get();
        ++starts;
        return started;
    }

    /// The transfer under way, null when there is none.
    [[nodiscard]] scripted_transfer* current() const noexcept { return current_; }
    int starts = 0;

private:
    scripted_transfer* current_ = nullptr;
};

}  // namespace corun::test
