#pragma once
#include "json/text.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

namespace corun::codec::json {

/// A document that is to be written again: discarded where `source` is no JSON, or is nested so deep that writing it
/// would take too much stack.
template <class Document>
Document parse_document(std::string_view source) {
    return find_error(source) ? Document(Document::value_t::discarded) : Document::parse(source, nullptr, false);
}

}  // namespace corun::codec::json
