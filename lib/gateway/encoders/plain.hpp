#pragma once
#include "gateway/encoder.hpp"

namespace corun::gateway {

/// The entries themselves: each is an event with its name, its members and its id, for `EventSource` and
/// `Last-Event-ID`.
class plain_encoder final : public encoder {
public:
    void encode(const entry& value, const entry_id& id, std::string& out) override {
        put_event(out, name_of(value.kind), text_of(members_of(value)), id.text());
    }
};

}  // namespace corun::gateway
