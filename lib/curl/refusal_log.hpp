#pragma once
#include <cstdint>
#include <string_view>

namespace corun::curl {

/// Learns from libcurl's log whether the server has declared the HTTP/2 stream of a request unprocessed: with
/// `REFUSED_STREAM`, or with a `GOAWAY` whose last stream comes before it (RFC 9113, 8.7). The codes of libcurl do not
/// tell either from a broken connection. With a libcurl that logs other words, no request counts as refused.
class refusal_log {
public:
    /// `problem` is libcurl's error text so far: if it is empty, the connection has not broken.
    void add_line(std::string_view line, std::string_view problem) noexcept;
    /// libcurl has sent the head of the request, perhaps for the second time.
    void begin_attempt() noexcept { refused_ = false; }

    [[nodiscard]] bool refused() const noexcept { return refused_; }

private:
    std::uint32_t stream_ = 0;  ///< 0: not HTTP/2.
    bool refused_ = false;
};

}  // namespace corun::curl
