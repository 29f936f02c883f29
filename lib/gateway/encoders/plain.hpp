#pragma once
#include "gateway/encoder.hpp"

namespace corun::gateway {

/// The entries themselves: each is an event with its name, its members and its id, for `EventSource` and
/// `Last-Event-ID`.
class plain_encoder final : public encoder {
public:
    void encode(const entry& value, const entry_id& id, std::string& out) override {
        if (value.kind != entry_kind::part_delta) {
            put_event(out, name_of(value.kind), text_of(members_of(value)), id.text());
            return;
        }
        // Most entries are these: as above, without an object in between.
        out.append("id: ").append(id.text()).append("\nevent: part.delta\ndata: {\"part\":");
        out.append(std::to_string(value.part)).append(",\"text\":");
        put_string(out, value.text);
        out += "}\n\n";
    }
};

}  // namespace corun::gateway
