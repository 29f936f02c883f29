#pragma once
#include "redact/redact.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace corun::detail {

/// True for the names that credentials have in JSON, forms, queries and header fields, in any case,
/// with `_`, `-` or nothing between their words.
[[nodiscard]] bool is_secret_name(std::string_view name);

/// A JSON document with `***` for every value under the name of a secret, for what `redacted_text` hides in its
/// strings, and for the secrets in `known`. Written without whitespace. Nothing if `document` is not JSON.
[[nodiscard]] std::optional<std::string> redacted_json(std::string_view document, const redactor& known);

/// A whole text with `***` for the secrets in `known`, for what follows `Bearer` or `Basic`, and for JSON Web Tokens.
/// A text that is a JSON object or array is redacted as one. A text that only contains a piece of JSON with the name
/// of a secret is hidden whole.
[[nodiscard]] std::string redacted_text(std::string_view text, const redactor& known);

/// A form, or the query of a URL, with `***` for secrets.
[[nodiscard]] std::string redacted_form(std::string_view form, const redactor& known);

}  // namespace corun::detail
