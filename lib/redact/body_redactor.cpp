#include "redact/body_redactor.hpp"

#include "json/body.hpp"
#include "json/document.hpp"
#include "text/ascii.hpp"

#include <algorithm>

namespace corun::detail {
namespace {

using codec::body;
using codec::wiped_string;

/// JSON in a string of JSON, and so on.
constexpr int max_nesting = 3;
constexpr std::size_t longest_name = 64;
constexpr std::string_view hidden = "***";

constexpr bool is_credential_character(char c) noexcept {
    // A backslash: texts from elsewhere may have escapes, as in `Bearer ab\u002Bcd`.
    return ascii::is_alphanumeric(c) || std::string_view("-._~+/=%\\").find(c) != std::string_view::npos;
}

/// The offset of a JSON Web Token in a run of such characters; `npos` if there is none.
std::size_t find_jwt(std::string_view run) noexcept {
    constexpr std::string_view beginning = "eyJ";
    for (std::size_t at = run.find(beginning); at != run.npos; at = run.find(beginning, at + 1))
        if (at == 0 || !(ascii::is_alphanumeric(run[at - 1]) || run[at - 1] == '-' || run[at - 1] == '_')) return at;
    return run.npos;
}

bool names_scheme(std::string_view run) noexcept {
    constexpr std::string_view bearer = "bearer";
    return run.ends_with("Basic") ||
           (run.size() >= bearer.size() && ascii::equal_ignoring_case(run.substr(run.size() - bearer.size()), bearer));
}

std::string without_credentials(std::string_view text) {
    std::string shown;
    bool after_scheme = false;
    while (!text.empty()) {
        const auto end = std::find_if_not(text.begin(), text.end(), is_credential_character);
        const std::string_view run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
        if (run.empty()) {
            after_scheme = after_scheme && text.front() == ' ';
            shown += text.front();
            text.remove_prefix(1);
            continue;
        }
        const std::size_t credential = after_scheme ? 0 : find_jwt(run);
        shown += run.substr(0, credential);
        if (credential != run.npos) shown += hidden;
        after_scheme = credential == run.npos && names_scheme(run);
        text.remove_prefix(run.size());
    }
    return shown;
}

/// True if a member of a piece of JSON in `text` has the name of a secret. Quotes may be escaped.
bool has_secret_member(std::string_view text) {
    constexpr std::string_view quotes = "\"\\";
    for (std::size_t end = 0; end < text.size();) {
        const std::size_t begin = end;
        end = std::min(text.find_first_of(quotes, begin), text.size());
        const std::string_view name = text.substr(begin, end - begin);
        const std::size_t next = text.find_first_not_of("\"\\ \t\r\n", end);
        if (next != text.npos && next > end && text[next] == ':' && is_secret_name(name)) return true;
        ++end;
    }
    return false;
}

class document_redactor {
public:
    explicit document_redactor(const redactor& known) : known_(known) {}

    std::string redact_text(std::string_view text, int nesting) const {
        const std::string_view trimmed = ascii::trim(text, " \t\r\n");
        if (nesting < max_nesting && (trimmed.starts_with('{') || trimmed.starts_with('['))) {
            const body document = codec::json::parse_document<body>(text);
            if (!document.is_discarded()) return dump(redact_value(document, false, nesting + 1));
        }
        if (has_secret_member(text)) return std::string(hidden);
        return without_credentials(known_.redacted(text));
    }

    body redact_value(const body& value, bool secret, int nesting) const {
        if (value.is_object()) {
            body shown = body::object();
            for (const auto& [name, member] : value.items())
                shown[wiped_string(known_.redacted(name))] =
                    redact_value(member, secret || is_secret_name(name), nesting);
            return shown;
        }
        if (value.is_array()) {
            body shown = body::array();
            for (const body& element : value) shown.push_back(redact_value(element, secret, nesting));
            return shown;
        }
        if (secret) return codec::text(hidden);
        if (value.is_string()) return codec::text(redact_text(value.get_ref<const wiped_string&>(), nesting));
        return value;
    }

    /// Numbers and punctuation may spell a known secret too.
    std::string dump(const body& value) const {
        return known_.redacted(value.dump(-1, ' ', false, body::error_handler_t::replace));
    }

private:
    const redactor& known_;
};

}  // namespace

bool is_secret_name(std::string_view name) {
    if (name.size() > longest_name) return false;
    std::string plain;
    for (const char c : name)
        if (c != '_' && c != '-') plain += ascii::lower(c);
    for (const char* exact : {"headers", "mcpsessionid", "sig"})
        if (plain == exact) return true;
    for (const char* ending : {"authorization", "apikey", "subscriptionkey", "token", "secret", "password", "cookie",
                               "assertion", "connectionstring", "identityheader"})
        if (plain.ends_with(ending)) return true;
    return false;
}

std::optional<std::string> redacted_json(std::string_view document, const redactor& known) {
    const body parsed = codec::json::parse_document<body>(document);
    if (parsed.is_discarded()) return std::nullopt;
    const document_redactor redactor(known);
    return redactor.dump(redactor.redact_value(parsed, false, 0));
}

std::string redacted_text(std::string_view text, const redactor& known) {
    return document_redactor(known).redact_text(text, 0);
}

std::string redacted_form(std::string_view form, const redactor& known) {
    std::string shown;
    for (bool more = true; more;) {
        const std::size_t end = std::min(form.find('&'), form.size());
        const std::string_view field = form.substr(0, end);
        const std::size_t name = std::min(field.find('='), field.size());
        if (is_secret_name(field.substr(0, name)) && name < field.size())
            shown.append(field.substr(0, name + 1)).append(hidden);
        else
            shown += known.redacted(field);
        more = end < form.size();
        if (more) shown += '&';
        form.remove_prefix(std::min(end + 1, form.size()));
    }
    return shown;
}

}  // namespace corun::detail
