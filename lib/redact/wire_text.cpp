#include "redact/wire_text.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace corun::detail {
namespace {

/// JSON in a string of JSON, and so on.
constexpr int deepest_nesting = 3;
/// An escape that is not complete yet, in strings nested that deep.
constexpr std::size_t longest_pending = 128;
constexpr std::size_t longest_name = 64;

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_letter(char c) noexcept {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

enum class verdict { show, hide, wait };

/// Tells for each character of a JSON text whether it is part of a secret.
class json_scanner {
public:
    explicit json_scanner(int nesting = 0) : nesting_(nesting) {}

    /// `wait`: the verdict on a later character stands for this one too.
    verdict next(char c) {
        if (in_string_) return next_in_string(c);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return verdict::show;
        const bool named = std::exchange(after_string_, false);
        switch (c) {
            case '"':
                in_string_ = true;
                hides_ = is_secret_value();
                name_.clear();
                inner_.reset();
                return verdict::show;
            case ':':
                secret_value_ = named && is_secret_name(name_);
                key_next_ = false;
                return verdict::show;
            case '{':
            case '[':
                open(c == '{');
                return verdict::show;
            case '}':
            case ']':
                close();
                return verdict::show;
            case ',':
                secret_value_ = false;
                key_next_ = depth_ > 0 && (objects_ & 1) != 0;
                return verdict::show;
            default:
                return is_secret_value() ? verdict::hide : verdict::show;
        }
    }

private:
    [[nodiscard]] bool is_secret_value() const noexcept { return secret_value_ || (depth_ > 0 && !key_next_); }

    void open(bool object) noexcept {
        if (depth_ > 0 || secret_value_) {
            ++depth_;
            // What is pushed out comes back as an array, in which all is hidden.
            objects_ = (objects_ << 1) | (object ? 1u : 0u);
        }
        secret_value_ = false;
        key_next_ = object;
    }

    void close() noexcept {
        if (depth_ > 0) {
            --depth_;
            objects_ >>= 1;
        }
        secret_value_ = key_next_ = false;
    }

    verdict next_in_string(char c) {
        if (escape_ >= 0) return next_in_escape(c);
        if (c == '\\') {
            escape_ = 0;
            return waiting();
        }
        if (c != '"') return inside(c);
        in_string_ = false;
        after_string_ = true;
        return verdict::show;
    }

    verdict next_in_escape(char c) {
        if (escape_ == 0) {
            if (c == 'u') {
                escape_ = 1;
                unit_ = 0;
                return waiting();
            }
            escape_ = -1;
            return inside(c == 'n' || c == 'r' || c == 't' ? ' ' : c);
        }
        const char small = lower(c);
        if (!is_digit(c) && !(small >= 'a' && small <= 'f')) {
            escape_ = -1;
            return next_in_string(c);
        }
        unit_ = unit_ * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : small - 'a' + 10);
        if (++escape_ <= 4) return waiting();
        escape_ = -1;
        return inside(unit_ < 0x80 ? static_cast<char>(unit_) : '?');
    }

    [[nodiscard]] verdict waiting() const noexcept { return hides_ ? verdict::hide : verdict::wait; }

    /// A character of a string, decoded.
    verdict inside(char c) {
        if (name_.size() <= longest_name) name_ += c;
        if (hides_) return verdict::hide;
        if (nesting_ == deepest_nesting) return verdict::show;
        if (!inner_) inner_ = std::make_unique<json_scanner>(nesting_ + 1);
        return inner_->next(c);
    }

    std::unique_ptr<json_scanner> inner_;  ///< Of the string that we are in.
    std::string name_;                     ///< The last string.
    std::uint64_t objects_ = 0;            ///< A bit for each level of `depth_`: an object, not an array.
    std::size_t depth_ = 0;                ///< Within a value that is hidden.
    unsigned unit_ = 0;
    int escape_ = -1;  ///< How much of an escape has come.
    int nesting_;
    bool in_string_ = false, after_string_ = false;
    bool hides_ = false;         ///< The string that we are in is a secret.
    bool secret_value_ = false;  ///< The value to come is.
    bool key_next_ = false;
};

/// Hides what looks like a credential in a running text: what follows `Bearer`, or a `Basic` with a
/// capital letter, and what begins as a JSON Web Token does.
class credential_words {
public:
    void add(char c, std::string& shown) {
        if (hiding_) {
            const bool after_backslash = escape_ == 1;
            if (goes_on(c)) return;
            // It was that of a quote, which ends the credential.
            if (after_backslash) shown += '\\';
        }
        hiding_ = false;
        if (after_scheme_ &&
            (is_letter(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos)) {
            begin(shown);
            return;
        }
        if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
            if (word_.size() < longest_word) word_ += c;
            // Nothing is shown until it is known not to be the beginning of a token.
            if (word_ == jwt.substr(0, word_.size()) && word_.size() < jwt.size()) {
                held_ += c;
            } else if (word_ == jwt) {
                held_.clear();
                begin(shown);
            } else {
                flush(shown);
                shown += c;
            }
            return;
        }
        flush(shown);
        if (c != ' ' || !word_.empty()) after_scheme_ = c == ' ' && names_scheme();
        word_.clear();
        shown += c;
    }

    void flush(std::string& shown) {
        shown += held_;
        held_.clear();
    }

private:
    static constexpr std::string_view jwt = "eyJ";
    static constexpr std::size_t longest_word = 7;

    void begin(std::string& shown) {
        shown += "***";
        hiding_ = true;
        after_scheme_ = false;
        escape_ = 0;
        word_.clear();
    }

    /// True while it is the credential that goes on. `+` and `=` are often written as escapes.
    bool goes_on(char c) noexcept {
        if (escape_ == 1 && c == 'u') {
            escape_ = -4;
            return true;
        }
        if (escape_ < 0) {
            ++escape_;
            return true;
        }
        escape_ = c == '\\' ? 1 : 0;
        return escape_ == 1 || is_letter(c) || is_digit(c) ||
               std::string_view("-._~+/=%").find(c) != std::string_view::npos;
    }

    [[nodiscard]] bool names_scheme() const noexcept {
        if (word_ == "Basic") return true;
        constexpr std::string_view bearer = "bearer";
        return std::equal(word_.begin(), word_.end(), bearer.begin(), bearer.end(),
                          [](char a, char b) { return lower(a) == b; });
    }

    std::string word_;  ///< Its beginning.
    std::string held_;
    int escape_ = 0;  ///< 1 after a backslash; below 0, so many digits are to come.
    bool after_scheme_ = false;
    bool hiding_ = false;
};

}  // namespace

bool is_secret_name(std::string_view name) {
    if (name.size() > longest_name) return false;
    std::string plain;
    for (const char c : name)
        if (c != '_' && c != '-') plain += lower(c);
    for (const char* exact : {"headers", "sig"})
        if (plain == exact) return true;
    for (const char* ending : {"authorization", "apikey", "subscriptionkey", "token", "secret", "password", "cookie",
                               "assertion", "connectionstring", "identityheader"})
        if (plain.ends_with(ending)) return true;
    return false;
}

std::string redacted_form(std::string_view form, const redactor& known) {
    std::string shown;
    for (bool more = true; more;) {
        const std::size_t end = std::min(form.find('&'), form.size());
        const std::string_view field = form.substr(0, end);
        const std::size_t name = std::min(field.find('='), field.size());
        if (is_secret_name(field.substr(0, name)) && name < field.size())
            shown.append(field.substr(0, name + 1)).append("***");
        else
            shown += known.redacted(field);
        more = end < form.size();
        if (more) shown += '&';
        form.remove_prefix(std::min(end + 1, form.size()));
    }
    return shown;
}

std::string redacted_text(std::string_view text, const redactor& known) {
    wire_text whole(known, wire_text::format::json);
    std::string shown = whole.add(text);
    return shown += whole.finish();
}

struct wire_text::state {
    state(redactor secrets, format what) : known(std::move(secrets)), how(what) {}
    ~state() {
        wipe(arrived);
        wipe(pending);
    }

    void look(std::string_view bytes, std::string& shown) {
        for (const char c : bytes) {
            if (how == format::events)
                look_at_line(c, shown);
            else
                judge(scanner.next(c), c, shown);
        }
    }

    void look_at_line(char c, std::string& shown) {
        const bool second = c == '\n' && after_cr;
        after_cr = c == '\r';
        if (c == '\r' || c == '\n') {
            if (!second) {
                if (line_is_empty) scanner = json_scanner();
                if (in_data) (void)scanner.next('\n');
                line_is_empty = true;
                in_data = in_value = false;
                field.clear();
            }
            judge(verdict::show, c, shown);
            return;
        }
        line_is_empty = false;
        if (in_data) {
            judge(scanner.next(c), c, shown);
            return;
        }
        if (c == ':' && !in_value) {
            in_value = true;
            // A byte order mark may stand before it.
            in_data = field.ends_with("data");
        } else if (!in_value && field.size() < 16) {
            field += c;
        }
        judge(verdict::show, c, shown);
    }

    void judge(verdict said, char c, std::string& shown) {
        pending += c;
        if (said == verdict::wait && pending.size() < longest_pending) return;
        if (said == verdict::show) {
            for (const char each : pending) words.add(each, shown);
            hidden = false;
        } else {
            words.flush(shown);
            if (!hidden) shown += "***";
            hidden = true;
        }
        pending.clear();
    }

    redactor known;
    format how;
    std::string arrived;  ///< May be the beginning of a secret.
    json_scanner scanner;
    credential_words words;
    std::string pending;  ///< Waits for a verdict.
    std::string field;    ///< The beginning of the name of a line's field.
    bool hidden = false;  ///< The last character was.
    bool after_cr = false;
    bool line_is_empty = true;
    bool in_value = false, in_data = false;
};

wire_text::wire_text(redactor known, format how) : state_(std::make_unique<state>(std::move(known), how)) {}
wire_text::wire_text(wire_text&&) noexcept = default;
wire_text& wire_text::operator=(wire_text&&) noexcept = default;
wire_text::~wire_text() = default;

std::string wire_text::add(std::string_view piece) {
    std::string shown;
    state_->arrived += piece;
    state_->look(state_->known.take_redacted(state_->arrived, false), shown);
    return shown;
}

std::string wire_text::finish() {
    std::string shown;
    state_->look(state_->known.take_redacted(state_->arrived, true), shown);
    for (const char c : state_->pending) state_->words.add(c, shown);
    state_->pending.clear();
    state_->words.flush(shown);
    return shown;
}

}  // namespace corun::detail
