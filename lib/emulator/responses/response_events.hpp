#pragma once
#include "emulator/environment.hpp"
#include "emulator/event_sink.hpp"
#include "emulator/responses/response_record.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace corun::emulator {

/// Where a text delta belongs.
struct delta_place {
    delta_place(std::string delta_event, std::string id, std::size_t item, std::size_t part)
        : event(std::move(delta_event)), item_id(std::move(id)), item_index(item), part_index(part) {}

    std::string event, item_id;
    std::size_t item_index, part_index;
};

/// Writes the events of a response to its stream and its log, if it has those.
class response_events {
public:
    response_events(const environment& shared, response& response, event_sink& sink)
        : environment_(shared), response_(response), sink_(sink) {}

    asio::awaitable<void> emit(std::string event, json data);
    asio::awaitable<void> emit_response(std::string event);
    /// An event of the item at `index` of the output, with more members.
    asio::awaitable<void> emit_of_item(std::string event, std::size_t index, json members = json::object());
    /// A delta for each text.
    asio::awaitable<void> emit_deltas(std::string event, json members, std::vector<std::string> texts);
    asio::awaitable<void> emit_error(run_failure failure);
    asio::awaitable<void> emit_done();
    asio::awaitable<void> emit_keepalive();

    /// Writes a text delta. True when the sink has to be flushed.
    bool put_delta(const delta_place& place, const std::string& text, std::string_view more);

private:
    bool put(const std::string& event, std::string frame, std::int64_t number);
    [[nodiscard]] std::string frame_of(const std::string& event, const std::string& data) const;
    [[nodiscard]] bool has_reader() const { return response_.options.retrievable_as_stream || sink_.is_open(); }

    const environment& environment_;
    response& response_;
    event_sink& sink_;
};

}  // namespace corun::emulator
