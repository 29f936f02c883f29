#pragma once
#include "codec/raw_event.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace corun::run {

/// Events that have arrived and wait to be taken, undecoded, with the bytes they are made of.
///
/// The bytes of many events share one block, which lives as long as any of them: so an event costs
/// no allocation, and one that the caller keeps stays valid.
class event_queue {
public:
    void push(std::string_view name, std::string_view data);
    [[nodiscard]] codec::raw_event pop();

    [[nodiscard]] bool empty() const noexcept { return next_ == events_.size(); }
    /// How many events were ever put in, and taken.
    [[nodiscard]] std::uint64_t pushed() const noexcept { return taken_ + (events_.size() - next_); }
    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
    /// The event that so many were put in before; it waits to be taken.
    [[nodiscard]] const codec::raw_event& at(std::uint64_t number) const noexcept {
        return events_[next_ + static_cast<std::size_t>(number - taken_)];
    }
    /// Bytes that the waiting events hold.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t smallest_block = std::size_t{1} << 10;
    static constexpr std::size_t kept_block = std::size_t{4} << 10;
    static constexpr std::size_t largest_shared_block = std::size_t{32} << 10;

    static constexpr std::size_t kept_events = 128;

    char* reserve(std::size_t size);
    void give_back() noexcept;

    std::vector<codec::raw_event> events_;
    std::size_t next_ = 0;  ///< Those before it are taken.
    std::uint64_t taken_ = 0;
    std::size_t bytes_ = 0;
    std::shared_ptr<char[]> block_;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
    std::size_t next_block_ = smallest_block;
};

}  // namespace corun::run
