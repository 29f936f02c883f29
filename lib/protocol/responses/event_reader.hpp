#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"
#include "protocol/responses/event_names.hpp"
#include "protocol/responses/item_events.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/streamed_items.hpp"
#include "protocol/synthetic_events.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::codec::responses {

/// Decodes one event. `known_event::read` names the function for it.
class event_reader {
public:
    event_reader(const known_event& known, json::reader& reader, streamed_items& streamed, const pending_calls& seen,
                 output& out)
        : known_(known), reader_(reader), streamed_(streamed), items_(streamed, out), seen_(seen), out_(out) {}

    void read();

    void read_delta();
    void read_whole();
    void read_annotation();
    void read_part_added();
    void read_part_done();
    void read_item_added();
    void read_item_done();
    void read_step_in_progress();
    void read_image_partial();
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
    /// The members that events share.
    struct event_fields {
        std::optional<json_piece> item_id, text;
        std::optional<std::int32_t> output_index;
        std::int32_t part_index = 0, number = 0;
    };
    event_fields read_fields() const;
    std::optional<item> read_item_of_event(std::optional<std::int32_t>& place) const;

    /// The reference in an event about an item of `type`.
    item_reference reference_of(const event_fields& fields, std::string_view type);
    std::string_view shown_id(const streamed_item& known, const event_fields& fields);
    void add_whole(const event_fields& fields, text_kind kind, std::string_view text);
    void add_status(const thread_run& run);
    thread_run read_end(std::string_view status);

    const known_event& known_;
    json::reader& reader_;
    json::object source_;
    streamed_items& streamed_;
    item_events items_;
    const pending_calls& seen_;
    output& out_;
    std::string unescaped_id_;
};

/// The response that an event carries; nothing where there is none, which is a problem.
std::optional<response> read_response(json::object source);
/// A response that does not say its status has that of the event's name.
void set_status(thread_run& run, std::string_view status);
/// The response of an event that ends the run, with as much as the event has of it. The event's name counts for more
/// than a status that ends nothing.
response read_last_response(json::object source, std::string_view status);

}  // namespace corun::codec::responses
