#pragma once

namespace corun::cli {

/// Chooses the user's encoding for this process. Where that is not UTF-8, the line editor still reads UTF-8.
void choose_encoding();

/// True if the user's encoding is UTF-8: the terminal then shows bullets and lines.
[[nodiscard]] bool uses_unicode() noexcept;

}  // namespace corun::cli
