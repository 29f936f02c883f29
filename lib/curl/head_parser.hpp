#pragma once
#include "net/transport.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace corun::curl {

/// Gathers the head of a response from the lines that libcurl hands over.
class head_parser {
public:
    enum class result {
        more,         ///< The head goes on; or the line is not part of it.
        status_line,  ///< The head of a response begins, possibly of an interim one (1xx).
        complete,     ///< The head of the final response is complete: `take`.
        rejected,     ///< The head is too large, or a proxy answered in place of the server (407).
    };
    /// Throws `std::bad_alloc`.
    result add_line(std::string_view line);

    [[nodiscard]] net::response_head take() noexcept {
        encoding_ = head_.field("content-encoding");
        return std::move(head_);
    }
    /// Of the head that has been taken; may be empty.
    [[nodiscard]] std::string_view content_encoding() const noexcept { return encoding_; }

    [[nodiscard]] bool is_complete() const noexcept { return complete_; }
    [[nodiscard]] bool is_too_large() const noexcept;
    /// The latest status line's.
    [[nodiscard]] bool is_http2() const noexcept { return http2_; }
    [[nodiscard]] int status() const noexcept { return head_.status; }

private:
    void begin(std::string_view status_line) noexcept;
    result end() noexcept;
    void add_field(std::string_view line);

    net::response_head head_;
    std::string encoding_;
    std::size_t bytes_ = 0;
    bool http2_ = false;
    bool complete_ = false;
};

}  // namespace corun::curl
