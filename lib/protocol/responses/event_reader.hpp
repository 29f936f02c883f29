#pragma once
#include "json/reader.hpp"
#include "protocol/responses/event_names.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/responses/piece_reader.hpp"
#include "protocol/streamed_items.hpp"
#include "protocol/synthetic_events.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace corun::codec::responses {

/// Decodes one event. `known_event::read` names the function for it.
class event_reader : public piece_reader {
public:
    event_reader(const known_event& known, json::reader& reader, streamed_items& streamed, const pending_calls& seen,
                 output& out)
        : piece_reader(known, streamed, out), reader_(reader), seen_(seen) {}

    void read();

    void read_item_added();
    void read_item_done();
    void read_run_created();
    void read_run_status();
    void read_run_end();
    void read_run_failed();
    void read_run_cancelled();
    void read_error();
    /// An event of this library.
    template <class Body>
    void read_own() {
        out_.add<Body>() = decode_synthetic<Body>(out_.wire().data);
    }

private:
    std::optional<item> read_item_of_event(std::optional<std::int32_t>& place) const;
    void add_status(const thread_run& run);
    thread_run read_end(std::string_view status);

    json::reader& reader_;
    const pending_calls& seen_;
};

/// The response that an event carries; nothing where there is none, which is a problem.
std::optional<response> read_response(json::object source);
/// A response that does not say its status has that of the event's name.
void set_status(thread_run& run, std::string_view status);
/// The response of an event that ends the run, with as much as the event has of it. The event's name counts for more
/// than a status that ends nothing.
response read_last_response(json::object source, std::string_view status);

}  // namespace corun::codec::responses
