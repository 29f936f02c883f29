#pragma once
#include "gateway/json.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace corun::gateway {

/// What an entry of a run's log records. The table in entry.cpp has their names.
enum class entry_kind {
    run_started,
    run_status,
    part_started,
    part_delta,
    part_replaced,
    part_ended,
    annotation,
    image,
    call_started,
    call_delta,
    call_ready,
    call_progress,
    call_ended,
    tools_listed,
    approval_requested,
    approval_decided,
    consent_requested,
    run_waiting,
    run_resumed,
    warning,
    run_ended,
    run_broken,
};
inline constexpr std::size_t entry_kinds = static_cast<std::size_t>(entry_kind::run_broken) + 1;

/// One entry of a run's log, in the words of no protocol. It holds no header of an MCP server, no id of the service and
/// no text of its errors.
struct entry {
    entry() = default;
    explicit entry(entry_kind its_kind, std::uint32_t its_part = 0, std::string its_text = {},
                   json its_detail = nullptr)
        : kind(its_kind), part(its_part), text(std::move(its_text)), detail(std::move(its_detail)) {}

    entry_kind kind = entry_kind::warning;
    std::uint32_t part = 0;  ///< The part of the answer, or the call: numbered from 1 in each run; 0 for neither.
    std::string text;        ///< A piece of text, arguments or an output.
    json detail;             ///< All other members: an object, or null.

    /// What it takes of a log's limit.
    [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + text.size() + detail_bytes(detail); }

private:
    static std::size_t detail_bytes(const json& value) noexcept;
};

/// The name of a kind, such as `part.delta`.
std::string_view name_of(entry_kind kind) noexcept;
std::optional<entry_kind> kind_of(std::string_view name) noexcept;

/// An entry's members as one object, without its kind.
json members_of(const entry& value);
/// The reverse.
entry entry_of(entry_kind kind, json members);

/// True for the entries after which none follows.
constexpr bool is_last(entry_kind kind) noexcept {
    return kind == entry_kind::run_ended || kind == entry_kind::run_broken;
}

}  // namespace corun::gateway
