#include "c/json_members.hpp"

namespace corun::c {

json_members::json_members(const nlohmann::json& value, std::string where) : value_(&value), where_(std::move(where)) {
    if (!value.is_object()) fail(where_, "an object");
}

const nlohmann::json* json_members::find(const char* name) {
    known_.insert(name);
    const auto found = value_->find(name);
    return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::string json_members::require(const char* name) {
    const nlohmann::json* const member = find(name);
    if (!member) throw error(errc::invalid_argument, path(name) + " is missing");
    return as<std::string>(*member, path(name));
}

void json_members::done() const {
    for (const auto& member : value_->items())
        if (!known_.contains(member.key()))
            throw error(errc::invalid_argument, where_ + " has no member '" + member.key() + '\'');
}

void json_members::fail(const std::string& where, std::string_view expected) {
    throw error(errc::invalid_argument, where + " must be " + std::string(expected));
}

nlohmann::json parse(std::string_view text, std::string_view where) {
    nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (value.is_discarded()) throw error(errc::invalid_argument, std::string(where) + " is not JSON");
    return value;
}

}  // namespace corun::c
