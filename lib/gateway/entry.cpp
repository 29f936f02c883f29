#include "gateway/entry.hpp"

#include <iterator>
#include <utility>

namespace corun::gateway {
namespace {

struct row {
    entry_kind kind;
    std::string_view name;
    bool has_text;  ///< Also if it is empty.
};

constexpr row rows[] = {
    {entry_kind::run_started, "run.started", false},
    {entry_kind::run_status, "run.status", false},
    {entry_kind::part_started, "part.started", false},
    {entry_kind::part_delta, "part.delta", true},
    {entry_kind::part_replaced, "part.replaced", true},
    {entry_kind::part_ended, "part.ended", false},
    {entry_kind::annotation, "annotation", false},
    {entry_kind::image, "image", false},
    {entry_kind::call_started, "call.started", false},
    {entry_kind::call_delta, "call.delta", true},
    {entry_kind::call_ready, "call.ready", true},
    {entry_kind::call_progress, "call.progress", true},
    {entry_kind::call_ended, "call.ended", false},
    {entry_kind::tools_listed, "tools.listed", false},
    {entry_kind::approval_requested, "approval.requested", false},
    {entry_kind::approval_decided, "approval.decided", false},
    {entry_kind::consent_requested, "consent.requested", false},
    {entry_kind::run_waiting, "run.waiting", false},
    {entry_kind::run_resumed, "run.resumed", false},
    {entry_kind::warning, "warning", false},
    {entry_kind::run_ended, "run.ended", false},
    {entry_kind::run_broken, "run.broken", false},
};
static_assert(std::size(rows) == entry_kinds);

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < entry_kinds; ++i)
        if (static_cast<std::size_t>(rows[i].kind) != i) return false;
    return true;
}
static_assert(is_in_order());

const row& row_of(entry_kind kind) noexcept {
    return rows[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view name_of(entry_kind kind) noexcept {
    return row_of(kind).name;
}

std::optional<entry_kind> kind_of(std::string_view name) noexcept {
    for (const row& each : rows)
        if (each.name == name) return each.kind;
    return {};
}

std::size_t entry::detail_bytes(const json& value) noexcept {
    std::size_t sum = 0;
    if (value.is_string()) sum += value.get_ref<const std::string&>().size();
    if (value.is_structured())
        for (const json& each : value) sum += 64 + detail_bytes(each);
    return sum;
}

json members_of(const entry& value) {
    json members = json::object();
    if (value.part != 0) members["part"] = value.part;
    if (row_of(value.kind).has_text || !value.text.empty()) members["text"] = value.text;
    if (value.detail.is_object()) members.update(value.detail);
    return members;
}

entry entry_of(entry_kind kind, json members) {
    entry made(kind);
    if (const auto part = members.find("part"); part != members.end() && part->is_number_unsigned()) {
        made.part = part->get<std::uint32_t>();
        members.erase(part);
    }
    if (const auto text = members.find("text"); text != members.end() && text->is_string()) {
        made.text = text->get<std::string>();
        members.erase(text);
    }
    if (!members.empty()) made.detail = std::move(members);
    return made;
}

}  // namespace corun::gateway
