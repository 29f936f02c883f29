#include "gateway/log_batch.hpp"

#include "gateway/encoder.hpp"

#include <stdexcept>
#include <utility>

namespace corun::gateway {

memory difference(const memory& before, const memory& after) {
    memory changes = memory::object();
    for (const auto& [key, value] : after.items()) {
        const auto earlier = before.find(key);
        if (earlier == before.end() || *earlier != value) changes[key] = value;
    }
    for (const auto& [key, value] : before.items())
        if (!after.contains(key)) changes[key] = nullptr;
    return changes;
}

void apply(memory& to, const memory& changes) {
    for (const auto& [key, value] : changes.items()) {
        if (value.is_null())
            to.erase(key);
        else
            to[key] = value;
    }
}

void checkpoint::update(checkpoint later) {
    if (!later.position.empty()) position = std::move(later.position);
    if (changes.is_null()) {
        changes = std::move(later.changes);
        return;
    }
    for (const auto& [key, value] : later.changes.items()) changes[key] = value;
}

std::string encode(const std::vector<entry>& entries) {
    std::string text = "[";
    for (const entry& each : entries) {
        if (text.size() > 1) text += ',';
        if (each.kind == entry_kind::part_delta) {
            // Most entries are these.
            text.append("[").append(std::to_string(each.part)).append(",");
            put_string(text, each.text);
            text += ']';
            continue;
        }
        const json whole = json::array({std::string(name_of(each.kind)), members_of(each)});
        text += text_of(whole);
    }
    return text + "]";
}

std::vector<entry> decode_entries(std::string_view text) {
    const json parsed = json::parse(text, nullptr, false);
    std::vector<entry> entries;
    if (!parsed.is_array()) throw std::runtime_error("a log is malformed");
    for (const json& each : parsed) {
        if (!each.is_array() || each.size() != 2) throw std::runtime_error("a log is malformed");
        if (each[0].is_number_unsigned() && each[1].is_string()) {
            entries.emplace_back(entry_kind::part_delta, each[0].get<std::uint32_t>(), each[1].get<std::string>());
            continue;
        }
        const auto kind = each[0].is_string() ? kind_of(each[0].get_ref<const std::string&>()) : std::nullopt;
        if (!kind || !each[1].is_object()) throw std::runtime_error("a log has an unknown entry");
        entries.push_back(entry_of(*kind, each[1]));
    }
    return entries;
}

}  // namespace corun::gateway
