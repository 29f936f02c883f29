#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace corun::codec {

/// What an HTML page or an XML document says of an error.
struct markup_error {
    markup_error() = default;

    std::string code;  ///< XML's `<Code>`.
    std::vector<std::string>
        texts;  ///< XML's `<Message>` and the like; the title and headings of a page; else all text.
};
markup_error read_markup(std::string_view document);

}  // namespace corun::codec
