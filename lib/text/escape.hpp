#pragma once
#include <string>
#include <string_view>

namespace corun::detail {

/// `text` for a message or a log line: control characters become `\r`, `\n`, `\t` or `\x1b`; all
/// other characters, UTF-8 included, are unchanged. Escaping again changes nothing.
std::string escape(std::string_view text);

/// `escape(text)` between single quotes.
std::string quote(std::string_view text);

}  // namespace corun::detail
