#include "protocol/delta_shape.hpp"

#include "json/cursor.hpp"
#include "json/find.hpp"
#include "text/utf8.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace corun::codec {
namespace {

constexpr std::string_view name_field = "event: ", data_field = "\ndata: ", end_of_event = "\n\n";

std::uint64_t new_number() noexcept {
    static std::atomic<std::uint64_t> latest{0};
    return latest.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// What is between the quotes of a string, which may have escapes.
std::string_view inside_of(std::string_view string) noexcept {
    return string.substr(1, string.size() - 2);
}

}  // namespace

void delta_shape::learn(std::string_view name, std::string_view data, std::string_view its_text,
                        std::string_view its_id) {
    struct changing {
        std::string_view value;
        content kind;
    };
    std::array<changing, most_slots> found{};
    std::size_t count = 0;
    const auto add = [&](std::string_view value, content kind) {
        std::size_t place = count++;
        for (; place != 0 && found[place - 1].value.data() > value.data(); --place) found[place] = found[place - 1];
        found[place] = {value, kind};
    };
    add(its_text, content::text);
    if (const auto number = json::find_only_member(data, "sequence_number")) add(*number, content::number);
    if (const auto padding = json::find_only_member(data, "obfuscation"); padding && padding->front() == '"')
        add(inside_of(*padding), content::padding);

    constant_.assign(name_field).append(name).append(data_field);
    name_ = name.size();
    frame_ = constant_.size();
    may_be_framed_ = data.find_first_of("\r\n") == data.npos;
    const char* from = data.data();
    std::size_t framing = frame_;
    for (std::size_t i = 0; i <= count; ++i) {
        const bool is_last = i == count;
        const char* const to = is_last ? data.data() + data.size() : found[i].value.data();
        if (its_id.data() >= from && its_id.data() < to) {
            id_slot_ = i;
            id_offset_ = framing + static_cast<std::size_t>(its_id.data() - from);
            id_size_ = its_id.size();
        }
        constant_.append(from, to);
        if (is_last) break;
        slot_[i] = {std::exchange(framing, 0) + static_cast<std::size_t>(to - from), found[i].kind};
        from = to + found[i].value.size();
    }
    constant_ += end_of_event;
    slots_ = count;
    number_ = new_number();
    // The sequence number may be none.
    if (shaped_text checked; !read(data, checked)) forget();
}

/// Reads the slots and the bytes around them: all that do not change, but for the first `skipped` and what is not in
/// `constant`.
inline bool delta_shape::read_slots(json::cursor& rest, std::string_view constant, std::size_t skipped,
                                    shaped_text& found) const noexcept {
    constant.remove_prefix(skipped);
    for (std::size_t i = 0; i != slots_; ++i) {
        const slot& each = slot_[i];
        const std::size_t before = each.before - std::exchange(skipped, 0);
        if (i == id_slot_) found.id = {rest.position() + before - each.before + id_offset_, id_size_};
        if (!rest.take(constant.substr(0, before))) return false;
        constant.remove_prefix(before);
        bool has_escapes = false;
        std::string_view inside;
        std::int32_t number = 0;
        switch (each.value) {
            case content::text:
                if (!rest.take_string_inside(found.text, found.escaped) || !utf8::is_well_formed(found.text))
                    return false;
                break;
            case content::padding:
                if (!rest.take_string_inside(inside, has_escapes) || !utf8::is_well_formed(inside)) return false;
                break;
            case content::number:
                if (!rest.take_index(number)) return false;
        }
    }
    if (id_slot_ == slots_) found.id = {rest.position() + id_offset_, id_size_};
    found.shape = number_;
    return rest.take(constant);
}

bool delta_shape::read(std::string_view data, shaped_text& found) const noexcept {
    if (number_ == 0) return false;
    json::cursor rest(data);
    std::string_view constant(constant_);
    constant.remove_suffix(end_of_event.size());
    return read_slots(rest, constant, frame_, found) && rest.at_end();
}

bool delta_shape::read_framed(std::string_view stream, framed_event& found) const noexcept {
    if (number_ == 0 || !may_be_framed_) return false;
    json::cursor rest(stream);
    if (!read_slots(rest, constant_, 0, found.found)) return false;
    found.size = static_cast<std::size_t>(rest.position() - stream.data());
    found.name = stream.substr(name_field.size(), name_);
    found.data = stream.substr(frame_, found.size - frame_ - end_of_event.size());
    return true;
}

}  // namespace corun::codec
