#include "protocol/delta_shape.hpp"

#include "json/cursor.hpp"
#include "json/find.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace corun::codec {
namespace {

/// What is between the quotes of a string, which may have escapes.
std::string_view inside_of(std::string_view string) noexcept {
    return string.substr(1, string.size() - 2);
}

}  // namespace

void delta_shape::learn(std::string_view data, std::string_view its_text, std::string_view its_id) {
    struct changing {
        std::string_view value;
        content kind;
    };
    std::array<changing, most_slots> found{{{its_text, content::text}}};
    std::size_t count = 1;
    if (const auto number = json::find_only_member(data, "sequence_number"))
        found[count++] = {*number, content::number};
    if (const auto padding = json::find_only_member(data, "obfuscation"); padding && padding->front() == '"')
        found[count++] = {inside_of(*padding), content::padding};
    const auto end_of_found = found.begin() + static_cast<std::ptrdiff_t>(count);
    std::sort(found.begin(), end_of_found,
              [](const changing& a, const changing& b) { return a.value.data() < b.value.data(); });

    forget();
    constant_.clear();
    const char* from = data.data();
    for (std::size_t i = 0; i <= count; ++i) {
        const bool is_last = i == count;
        const char* const to = is_last ? data.data() + data.size() : found[i].value.data();
        if (its_id.data() >= from && its_id.data() < to) {
            id_slot_ = i;
            id_offset_ = static_cast<std::size_t>(its_id.data() - from);
            id_size_ = its_id.size();
        }
        constant_.append(from, to);
        if (is_last) break;
        slot_[i] = {static_cast<std::size_t>(to - from), found[i].kind};
        from = to + found[i].value.size();
    }
    slots_ = count;
    // The number may be none.
    if (!matches(data)) forget();
}

bool delta_shape::matches(std::string_view data) noexcept {
    if (slots_ == 0) return false;
    json::cursor rest(data);
    std::string_view constant(constant_);
    for (std::size_t i = 0; i != slots_; ++i) {
        const slot& each = slot_[i];
        if (i == id_slot_) id = {rest.position() + id_offset_, id_size_};
        if (!rest.take(constant.substr(0, each.before))) return false;
        constant.remove_prefix(each.before);
        bool has_escapes = false;
        std::string_view inside;
        std::int32_t number = 0;
        switch (each.value) {
            case content::text:
                if (!rest.take_string_inside(text, escaped)) return false;
                break;
            case content::padding:
                if (!rest.take_string_inside(inside, has_escapes)) return false;
                break;
            case content::number:
                if (!rest.take_index(number)) return false;
        }
    }
    if (id_slot_ == slots_) id = {rest.position() + id_offset_, id_size_};
    return rest.rest() == constant;
}

}  // namespace corun::codec
