#pragma once
#include "async/wakeup.hpp"
#include "gateway/entry.hpp"

#include <asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::gateway {

/// The position of an entry, as clients see it: `<epoch>-<number>`, numbered from 1. A log that another process goes
/// on writing has another epoch.
struct entry_id {
    std::uint64_t epoch = 1;
    std::uint64_t number = 0;

    [[nodiscard]] std::string text() const { return std::to_string(epoch) + '-' + std::to_string(number); }
    /// Nothing if `text` is no id.
    static std::optional<entry_id> parse(std::string_view text) noexcept;
    [[nodiscard]] static entry_id before_all() noexcept { return {0, 0}; }
    friend bool operator==(const entry_id&, const entry_id&) = default;
};

/// The log of one run, as far as viewers may see it. Entries are only ever appended, so a reader needs nothing but a
/// position.
class run_log {
public:
    /// Calls `on_change` with each `notify`.
    run_log(asio::any_io_executor executor, std::function<void()> on_change)
        : changed_(std::move(executor)), on_change_(std::move(on_change)) {}

    /// Appends entries that were written in this epoch, and resumes those that wait.
    void append(std::vector<entry> entries, std::uint64_t epoch = 1);

    [[nodiscard]] const entry& operator[](std::size_t position) const noexcept { return entries_[position]; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool is_complete() const noexcept { return !entries_.empty() && is_last(entries_.back().kind); }
    /// True if the run waits for answers, as far as the log says.
    [[nodiscard]] bool waits() const noexcept { return waits_; }
    /// Positions at which the answers of a segment begin: 0, and behind each wait.
    [[nodiscard]] const std::vector<std::size_t>& segments() const noexcept { return segments_; }
    /// The id of the entry at this position.
    [[nodiscard]] entry_id id_of(std::size_t position) const noexcept;
    /// The position behind this entry; nothing if the log does not have it.
    [[nodiscard]] std::optional<std::size_t> position_after(const entry_id& id) const noexcept;

    /// Resumes those that wait.
    void notify() {
        changed_.notify();
        on_change_();
    }
    /// Completes with the next `notify`.
    [[nodiscard]] auto wait() { return changed_.wait(); }

private:
    struct epoch_start {
        std::size_t position;
        std::uint64_t epoch;
    };

    std::vector<entry> entries_;
    std::vector<epoch_start> epochs_;
    std::vector<std::size_t> segments_{0};
    std::size_t bytes_ = 0;
    bool waits_ = false;
    detail::wakeup changed_;
    const std::function<void()> on_change_;
};

}  // namespace corun::gateway
