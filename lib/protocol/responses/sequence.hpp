#pragma once
#include <cstdint>
#include <optional>

namespace corun::run {

/// The sequence numbers of a response's events. Where they count the events one by one, they prove of a stream that
/// goes on after another that nothing is lost or doubled.
class sequence {
public:
    enum class place { next, repeated, beyond_a_gap };

    /// Where the next event of the stream stands. Only in a resumed stream is that ever anything but `next`: not every
    /// server numbers its events.
    place observe(std::optional<std::int64_t> number) noexcept {
        if (!number) {
            counts_ = false;
            return place::next;
        }
        const bool follows = !last_ || *number == *last_ + 1;
        if (resumed_ && !follows) return *number <= *last_ ? place::repeated : place::beyond_a_gap;
        counts_ = counts_ && follows;
        last_ = number;
        return place::next;
    }

    /// From here on the events come in another stream, which begins after `last`.
    void resume() noexcept { resumed_ = true; }

    /// Of the last event; nothing where the numbers prove nothing.
    [[nodiscard]] std::optional<std::int64_t> last() const noexcept { return counts_ ? last_ : std::nullopt; }

private:
    std::optional<std::int64_t> last_;
    bool counts_ = true, resumed_ = false;
};

}  // namespace corun::run
