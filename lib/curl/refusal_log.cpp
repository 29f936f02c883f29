#include "curl/refusal_log.hpp"

#include <charconv>

namespace corun::curl {
namespace {

/// The number after `words` in `line`, or `otherwise` if there is none.
std::uint32_t number_after(std::string_view line, std::string_view words, std::uint32_t otherwise) noexcept {
    const std::size_t at = line.find(words);
    if (at == line.npos) return otherwise;
    line.remove_prefix(at + words.size());
    std::uint32_t number = otherwise;
    (void)std::from_chars(line.data(), line.data() + line.size(), number);
    return number;
}

}  // namespace

void refusal_log::add_line(std::string_view line, std::string_view problem) noexcept {
    if (line.starts_with("REFUSED_STREAM")) refused_ = true;
    // On a connection that was used before, libcurl says no more.
    if (line.starts_with("Connection died, retrying") && stream_ != 0 && problem.empty()) refused_ = true;
    if (line.find("GOAWAY") != line.npos && number_after(line, "last_stream=", stream_) < stream_) refused_ = true;
    stream_ = number_after(line, "Using Stream ID: ", stream_);
    // Since libcurl 8.1.
    if (line.find("OPENED stream") != line.npos) stream_ = number_after(line, "[HTTP/2] [", stream_);
}

}  // namespace corun::curl
