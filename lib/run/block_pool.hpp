#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

namespace corun::run {

/// Memory for events, lent in blocks and kept for the next who asks. Given back to the system with every burst of
/// events, its pages would have to be got and cleared again for every burst: more work than all that is done with the
/// events.
///
/// Thread-safe, for events are kept and dropped where their owners like. Blocks keep their pool alive.
class block_pool : public std::enable_shared_from_this<block_pool> {
public:
    block_pool() = default;
    block_pool(const block_pool&) = delete;
    block_pool& operator=(const block_pool&) = delete;
    ~block_pool();

    /// A block of so many bytes, whatever they hold. Only such of one of `sizes` are kept, and no more than `most_kept`
    /// bytes of them.
    std::shared_ptr<char[]> take(std::size_t size);

    [[nodiscard]] std::size_t kept() const;

    static constexpr std::array<std::size_t, 3> sizes{std::size_t{8} << 10, std::size_t{16} << 10,
                                                      std::size_t{32} << 10};
    static constexpr std::size_t most_kept = std::size_t{1} << 20;

private:
    /// At the start of a block that is free.
    struct free_block {
        free_block* next;
    };
    struct giver {
        void operator()(char* block) const noexcept { pool->give_back(block, size); }
        std::shared_ptr<block_pool> pool;
        std::size_t size;
    };

    void give_back(char* block, std::size_t size) noexcept;
    free_block** list_of(std::size_t size) noexcept;

    mutable std::mutex mutex_;
    std::array<free_block*, sizes.size()> free_{};
    std::size_t kept_ = 0;
};

}  // namespace corun::run
