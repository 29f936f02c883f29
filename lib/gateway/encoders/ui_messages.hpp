#pragma once
#include "gateway/encoder.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace corun::gateway {

/// The UI message stream of the AI SDK, version 1, in the subset that its versions 5, 6 and 7 read (approvals: 6 and
/// 7).
class ui_message_encoder final : public encoder {
public:
    /// `message_id` is that of the assistant's message: the same for the whole run, so that a replay replaces what the
    /// page has.
    explicit ui_message_encoder(std::string message_id) : message_id_(std::move(message_id)) {}

    void encode(const entry& value, const entry_id& id, std::string& out) override;
    void begin_stream() override { begun_ = in_step_ = step_is_over_ = false; }
    [[nodiscard]] bool ends_at_wait() const noexcept override { return true; }
    void pause(std::string& out) override;
    void finish(std::string& out) override;

private:
    friend struct ui_rows;

    struct call {
        std::string id, name;
        bool by_client = false;
        std::string output;  ///< So far.
    };

    void put(std::string& out, const json& chunk);
    void begin(std::string& out);
    void begin_step(std::string& out);
    void end_step(std::string& out);

    std::string message_id_;
    std::map<std::uint32_t, std::string> parts_;  ///< `text` or `reasoning`; empty for those that are not shown.
    std::map<std::uint32_t, call> calls_;
    bool begun_ = false, in_step_ = false, step_is_over_ = false;
};

}  // namespace corun::gateway
