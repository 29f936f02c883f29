#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"
#include "protocol/responses/event_names.hpp"
#include "protocol/responses/item_events.hpp"
#include "protocol/streamed_items.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace corun::codec::responses {

/// Decodes the events about parts of an item, and about the work on it.
class piece_reader {
public:
    piece_reader(const known_event& known, streamed_items& streamed, output& out)
        : known_(known), streamed_(streamed), items_(streamed, out), out_(out) {}

    void read_delta();
    void read_whole();
    void read_annotation();
    void read_part_added();
    void read_part_done();
    void read_step_in_progress();
    void read_command_added();
    void read_shell_output_delta();
    void read_shell_output_done();
    void read_audio_delta();
    void read_audio_done();
    void read_image_partial();
    void read_consent();

protected:
    const known_event& known_;
    json::object source_;
    streamed_items& streamed_;
    item_events items_;
    output& out_;

private:
    /// The members that events share.
    struct event_fields {
        std::optional<json_piece> item_id, text;
        std::optional<std::int32_t> output_index;
        std::int32_t part_index = 0, command_index = 0, number = 0;
    };
    event_fields read_fields() const;
    /// The number of a text of this kind.
    static std::int32_t part_of(text_kind kind, const event_fields& fields) noexcept;

    /// The reference in an event about an item of `type`.
    item_reference reference_of(const event_fields& fields, std::string_view type);
    std::string_view shown_id(const streamed_item& known, const event_fields& fields);
    streamed_item& add_whole(const event_fields& fields, text_kind kind, std::string_view text);
    streamed_item& find_shell_output(const event_fields& fields);

    std::string unescaped_id_;
};

/// Calls `use(object)` for the object that an event is about; false where there is none, which is a problem.
template <class Use>
bool with_object(json::object source, std::string_view name, Use use) {
    bool found = false;
    json::each_member(source, [&](std::string_view key, json::value member) {
        if (key != name) return;
        const auto object = json::object_if(member);
        if (!object) return json::expected(name, "an object");
        found = true;
        use(*object);
    });
    if (!found) json::missing(name);
    return found;
}

}  // namespace corun::codec::responses
