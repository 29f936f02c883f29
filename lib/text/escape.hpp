#pragma once
#include <string>
#include <string_view>

namespace corun::detail {

/// `text` as it may stand in a message or a log line: control characters come out as `\r`, `\n`,
/// `\t` or `\x1b`; everything else, UTF-8 included, stays as it is. Escaping again changes nothing.
std::string escape(std::string_view text);

/// `escape(text)` between single quotes.
std::string quote(std::string_view text);

}  // namespace corun::detail
