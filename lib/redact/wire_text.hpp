#pragma once
#include "redact/redact.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace corun::detail {

/// True for names under which credentials stand: in JSON, forms, queries and header fields, in
/// whatever case, with `_`, `-` or nothing between their words.
[[nodiscard]] bool is_secret_name(std::string_view name);

/// A form, or the query of a URL, with `***` for secrets.
[[nodiscard]] std::string redacted_form(std::string_view form, const redactor& known);

/// A body that comes in pieces, as it may be shown: with `***` for the secrets that are known, for
/// what stands in JSON under names of secrets, and for bearer tokens and JSON Web Tokens anywhere.
///
/// What is not JSON is shown too. JSON is not checked; what is wrong with it hides rather too much.
class wire_text {
public:
    enum class format { json, events };  ///< `events`: the data of each event is JSON.

    wire_text(redactor known, format how);
    wire_text(wire_text&&) noexcept;
    wire_text& operator=(wire_text&&) noexcept;
    ~wire_text();

    /// What may be shown by now. Some bytes at the end may come with the next piece.
    [[nodiscard]] std::string add(std::string_view piece);
    /// The rest.
    [[nodiscard]] std::string finish();

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// A text that is there at once.
[[nodiscard]] std::string redacted_text(std::string_view text, const redactor& known);

}  // namespace corun::detail
