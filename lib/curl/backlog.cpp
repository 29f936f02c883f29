#include "curl/backlog.hpp"

#include <algorithm>
#include <utility>

namespace corun::curl {
namespace {

/// As much as libcurl hands over at once.
constexpr std::size_t piece_bytes = std::size_t{16} << 10;

}  // namespace

bool backlog::push(std::string_view bytes) {
    if (bytes.size() > max_bytes_ - bytes_) return false;
    // Many small writes share a piece, which is allocated once.
    const bool fits = !pieces_.empty() && pieces_.back().size() + bytes.size() <= piece_bytes;
    if (!fits) pieces_.emplace_back().reserve(std::max(piece_bytes, bytes.size()));
    pieces_.back().append(bytes);
    bytes_ += bytes.size();
    return true;
}

std::string backlog::pop() noexcept {
    std::string piece = std::move(pieces_.front());
    pieces_.pop_front();
    bytes_ -= piece.size();
    return piece;
}

}  // namespace corun::curl
