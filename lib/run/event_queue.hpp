#pragma once
#include "protocol/raw_event.hpp"
#include "run/block_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::run {

/// Events that have arrived and wait to be taken, undecoded, with the bytes they are made of.
///
/// The bytes of many events share one block, which lives as long as any of them: so an event costs
/// no allocation, and one that the caller keeps stays valid.
class event_queue {
public:
    event_queue() = default;
    /// Its blocks come from `pool`.
    explicit event_queue(std::shared_ptr<block_pool> pool) noexcept : pool_(std::move(pool)) {}

    /// `shaped`: what is known of `data`; its views are views of `data`.
    void push(std::string_view name, std::string_view data, const codec::shaped_text& shaped = {});
    [[nodiscard]] codec::raw_event pop();

    [[nodiscard]] bool empty() const noexcept { return taken_ == pushed_; }
    /// How many events were ever put in, and taken.
    [[nodiscard]] std::uint64_t pushed() const noexcept { return pushed_; }
    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
    /// Those that wait, in their order; they stay.
    [[nodiscard]] std::vector<codec::raw_event> waiting() const;
    /// Bytes that the waiting events hold.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t smallest_block = std::size_t{1} << 9;
    /// What a pool keeps, a stream need not.
    static constexpr std::size_t kept_block = block_pool::sizes.front() / 2;
    static constexpr std::size_t largest_shared_block = block_pool::sizes.back();
    static constexpr std::size_t kept_blocks = 16;

    /// An event lies in its block as a `prefix`, its data, its name and its scratch memory.
    struct prefix {
        std::size_t data_size, name_size, scratch_size;
        std::uint64_t shape;
        std::uint32_t text_at, text_size, id_at, id_size;
        bool text_escaped;
    };
    struct block {
        [[nodiscard]] codec::raw_event at(std::size_t place) const;
        [[nodiscard]] std::size_t room() const noexcept { return capacity - used; }

        std::shared_ptr<char[]> bytes;
        std::size_t capacity;
        std::size_t used = 0;
        std::size_t next = 0;  ///< The events before it are taken.
    };
    static std::size_t size_of(const codec::raw_event& event) noexcept {
        return sizeof(prefix) + event.data.size() + event.name.size() + event.scratch.size();
    }

    block& with_room(std::size_t size);
    void give_back() noexcept;

    std::shared_ptr<block_pool> pool_;
    /// The first is read from, the last is written to. Only if it is the only one may all of it be taken.
    std::vector<block> blocks_;
    std::uint64_t pushed_ = 0, taken_ = 0;
    std::size_t bytes_ = 0;
    std::size_t next_block_ = smallest_block;
};

}  // namespace corun::run
