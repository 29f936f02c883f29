#pragma once
#include "gateway/encoder.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace corun::gateway {

/// A client of AG-UI: its names of the thread and the run, and what it has.
struct ag_ui_client {
    ag_ui_client() = default;

    std::string thread_id, run_id;
    json messages = json::array();  ///< The client's history.
    bool is_1_0 = false;            ///< Otherwise 0.0.x, which rejects some forms of 1.0.
};

/// AG-UI, 1.0 and 0.0.59. A stream that begins in the middle starts with a snapshot of all messages as far as they are,
/// and goes on with what is open.
class ag_ui_encoder final : public encoder {
public:
    /// `run_id` is the gateway's: it makes the ids of messages.
    ag_ui_encoder(std::string run_id, ag_ui_client client);

    void encode(const entry& value, const entry_id& id, std::string& out) override;
    void begin_stream() override {
        begun_ = false;
        snapshot_is_due_ = wants_snapshot_;
    }
    /// For a client that has not seen what precedes its stream.
    void send_snapshot() noexcept { wants_snapshot_ = true; }
    [[nodiscard]] bool ends_at_wait() const noexcept override { return true; }
    void pause(std::string& out) override;

private:
    friend struct ag_ui_rows;

    struct part {
        std::string message_id;
        bool reasoning = false;
    };
    struct call {
        std::string id, name, arguments, message_id;
        bool streams = true;  ///< Its arguments are JSON from the first character on.
        bool open = true;
    };

    void put(std::string& out, const json& event) { put_event(out, {}, text_of(event)); }
    void begin(std::string& out);
    void reopen(std::string& out);
    void put_snapshot(std::string& out) { put(out, {{"type", "MESSAGES_SNAPSHOT"}, {"messages", messages_}}); }
    json& message_of(const std::string& id, const char* role);
    [[nodiscard]] bool has_result(const std::string& call_id) const;
    void finish_run(std::string& out, json more);

    std::string run_id_;
    ag_ui_client client_;
    json messages_;
    std::map<std::uint32_t, part> parts_;
    std::map<std::string, int> open_messages_;  ///< How many parts of each are open.
    std::map<std::uint32_t, call> calls_;
    json waits_for_;
    bool begun_ = false, wants_snapshot_ = false, snapshot_is_due_ = false;
};

}  // namespace corun::gateway
