#pragma once
#include "gateway/encoder.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace corun::gateway {

/// The response that a client of OpenAI's protocol sees.
struct response_head {
    response_head() = default;

    std::string id, previous_id, model;
    std::int64_t created_at = 0;
    bool background = false;
};

/// OpenAI Responses. A response ends where its run waits for answers, and the answers begin another one: it encodes one
/// segment of the log. Its text, reasoning (as summaries), functions of the client and MCP calls are items.
class responses_encoder final : public encoder {
public:
    /// Sends the events after `starting_after` only, if it is given.
    explicit responses_encoder(response_head head, std::optional<std::int64_t> starting_after = {});

    void encode(const entry& value, const entry_id& id, std::string& out) override;
    void begin_stream() override;
    void open(std::string& out) override;
    [[nodiscard]] bool is_done() const noexcept override { return done_; }
    void finish(std::string& out) override { put_event(out, {}, "[DONE]"); }

    /// The response as far as it is.
    [[nodiscard]] const json& response() const noexcept { return response_; }

private:
    friend struct responses_rows;

    struct part {
        std::size_t message = 0, output = 0, index = 0;
        std::string type, text;
        json annotations = json::array();
    };
    struct item {
        std::size_t output = 0, parts = 0, open = 0;
        bool done = false;
    };
    struct call {
        std::string id, type, name, label, arguments;
        bool by_client = false;
        std::size_t output = 0;
    };

    void put(std::string& out, const char* type, json members);
    std::size_t add_item(std::string& out, json item);
    void end_item(std::string& out, std::size_t output);
    void end_items(std::string& out, std::size_t except_message);
    void end_response(std::string& out, const char* status, const char* event);
    [[nodiscard]] std::string item_id(const char* prefix, std::uint32_t number) const;

    response_head head_;
    std::int64_t starting_after_, sequence_ = 0;
    json response_;
    std::map<std::uint32_t, part> parts_;
    std::map<std::size_t, item> items_;  ///< Messages and reasoning, by the message's number.
    std::map<std::uint32_t, call> calls_;
    bool opened_ = false, done_ = false;
};

}  // namespace corun::gateway
