#pragma once
#include "emulator/http/api_call.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/core.hpp"

#include <memory>
#include <string>

namespace corun::emulator {

struct conversation : record {
    using record::record;
    store<record> items;
    bool locked = false;  ///< A response is at work on it.
};

/// The conversations that responses take part in.
class conversations {
public:
    explicit conversations(core& of) : core_(of) {}

    [[nodiscard]] static bool owns(const call& what);
    /// Throws `refusal`.
    json answer(const call& what);
    /// Throws `refusal`.
    [[nodiscard]] std::shared_ptr<conversation> find(const std::string& id) const;
    /// Null when no conversation has it.
    [[nodiscard]] std::shared_ptr<record> find_item(const std::string& id) const;

private:
    json add_items(conversation& to, const json& given);

    core& core_;
    store<conversation> conversations_;
    schema::responses_bodies bodies_{true};
};

/// An input item as it is kept: with an id, and with content as a list.
json kept_item(core& of, const json& given);
/// `id` of something of responses that is not there.
refusal no_such(const std::string& kind, const std::string& id);
/// Throws when `include` asks for something unknown.
void check_include(const call& what);

}  // namespace corun::emulator
