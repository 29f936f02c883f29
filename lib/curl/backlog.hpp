#pragma once
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace corun::curl {

/// The bytes that arrive while a stream is paused, up to a limit.
class backlog {
public:
    explicit backlog(std::size_t max_bytes) noexcept : max_bytes_(max_bytes) {}

    /// False if they do not fit, and are not stored then. Throws `std::bad_alloc`.
    [[nodiscard]] bool push(std::string_view bytes);
    /// The oldest bytes; there must be some.
    [[nodiscard]] std::string pop() noexcept;

    [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// How many separate pieces the bytes are stored in.
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_.size(); }

private:
    std::deque<std::string> pieces_;
    std::size_t bytes_ = 0;
    std::size_t max_bytes_;
};

}  // namespace corun::curl
