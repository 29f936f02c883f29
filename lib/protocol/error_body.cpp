#include "protocol/error_body.hpp"

#include "json/find.hpp"
#include "protocol/markup.hpp"
#include "text/ascii.hpp"
#include "text/utf8.hpp"
#include "values/retry_delay.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace corun::codec {
namespace {

using document = nlohmann::ordered_json;

constexpr int deepest = 8;
constexpr std::size_t most_messages = 8;
constexpr std::size_t most_bytes = std::size_t{16} << 10;
constexpr std::string_view blanks = " \t\r\n\f\v";

/// A name as it would be without the conventions of its service: `statusCode` and `status_code` are the same.
std::string plain_key(std::string_view key) {
    std::string plain;
    for (const char c : key)
        if (c != '_' && c != '-') plain += ascii::lower(c);
    return plain;
}

template <std::size_t Count>
bool is_any_of(std::string_view key, const std::array<std::string_view, Count>& keys) noexcept {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// One word, as codes are.
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alphanumeric(c) || std::string_view("_-.:/").find(c) != std::string_view::npos;
    });
}

bool is_number(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_digit);
}

/// Says no more than that it is an error; or is a link to its description.
bool is_empty_code(std::string_view code) noexcept {
    constexpr std::array<std::string_view, 8> empty{"",        "error", "fail", "failed",
                                                    "failure", "none",  "null", "about:blank"};
    return is_any_of(plain_key(code), empty) || code.find("://") != code.npos;
}

document parsed(std::string_view text) {
    return document::parse(text, nullptr, false);
}

/// A delay as a number, or as a text that is one.
std::optional<std::chrono::milliseconds> delay_of(const document& value, std::chrono::milliseconds unit) {
    std::string text = value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : "";
    if (text.ends_with('s')) text.pop_back();
    return detail::retry_delay_in(text, unit);
}

std::optional<std::chrono::milliseconds> delay_in_headers(const document& headers) {
    using namespace std::chrono_literals;
    constexpr std::pair<std::string_view, std::chrono::milliseconds> forms[] = {
        {"retryafterms", 1ms}, {"xmsretryafterms", 1ms}, {"retryafter", 1s}};
    for (const auto& [key, unit] : forms)
        for (const auto& [name, value] : headers.items())
            if (plain_key(name) == key)
                if (const auto delay = delay_of(value, unit)) return delay;
    return std::nullopt;
}

/// Finds what the members of a JSON value say, whatever they are called.
class error_reader {
public:
    explicit error_reader(error_body& out) noexcept : out_(out) {}

    void read(const document& value, int depth = 0, std::string_view place = {}) {
        if (depth > deepest) return;
        if (value.is_string())
            read_text(value.get_ref<const std::string&>(), depth, place);
        else if (value.is_object())
            read_object(value, depth, place);
        else if (value.is_array())
            for (std::size_t i = 0; i != std::min(value.size(), most_messages); ++i) read(value[i], depth + 1, place);
    }

    void add(std::string_view text, std::string_view place = {}) {
        text = ascii::trim(text, blanks);
        if (text.empty() || texts_.size() == most_messages) return;
        for (std::string& other : texts_) {
            if (other.find(text) != other.npos) return;
            if (text.find(other) == text.npos) continue;
            other = text;
            return;
        }
        texts_.push_back(place.empty() ? std::string(text) : std::string(place) + ": " + std::string(text));
    }

    void finish() {
        for (const std::string& text : texts_) {
            if (out_.message.size() > most_bytes) break;
            if (!out_.message.empty())
                out_.message += out_.message.find_last_of(".:!?") + 1 == out_.message.size() ? " " : "; ";
            out_.message += text;
        }
        if (out_.code.empty()) out_.code = std::move(number_);
        if (out_.message.empty()) out_.message = out_.code;
        for (std::string* text : {&out_.code, &out_.message, &out_.type, &out_.param, &out_.request_id})
            text->resize(utf8::prefix(*text, most_bytes).size());
        if (!out_.retry_after) out_.retry_after = detail::retry_delay_in(out_.message);
    }

private:
    /// A text may be the JSON of another service's error.
    void read_text(const std::string& text, int depth, std::string_view place) {
        const std::string_view trimmed = ascii::trim(text, blanks);
        if (trimmed.starts_with('{') || trimmed.starts_with('['))
            if (const document inner = parsed(trimmed); inner.is_structured() && !inner.empty())
                return read(inner, depth + 1, place);
        add(text, place);
    }

    void read_object(const document& object, int depth, std::string_view outer_place) {
        std::string place(outer_place);
        if (std::string own = place_of(object); !own.empty()) place = std::move(own);
        const std::size_t texts_before = texts_.size();
        const std::string code = read_facts(object, place.empty());
        for (const auto& [key, value] : text_members(object)) read_text_member(*key, *value, depth, place);
        // What is inside may be more exact than the error's own code.
        if (texts_.size() == texts_before && depth > 0 && !code.empty() && code != out_.code) add(code, place);
    }

    /// By their place in `text_keys`: the most telling first.
    static std::multimap<const std::string_view*, const document*> text_members(const document& object) {
        std::multimap<const std::string_view*, const document*> found;
        for (const auto& [name, value] : object.items()) {
            const auto key = std::find(text_keys.begin(), text_keys.end(), plain_key(name));
            if (key != text_keys.end()) found.emplace(key, &value);
        }
        return found;
    }

    void read_text_member(std::string_view key, const document& value, int depth, std::string_view place) {
        if (key == "error" && value.is_string()) {
            const auto& text = value.get_ref<const std::string&>();
            if (is_token(text)) return set_code(text);
        }
        if (key == "response") {
            // The rest of a response is not about its error.
            const auto error = value.is_object() ? value.find("error") : value.end();
            if (error != value.end()) read(*error, depth + 1, place);
            return;
        }
        const bool names_fields = key == "errors" && value.is_object() && text_members(value).empty();
        if (!names_fields) return read(value, depth + 1, place);
        for (const auto& [field, reasons] : value.items()) read(reasons, depth + 1, field);
    }

    /// Where in the request the mistake is.
    static std::string place_of(const document& object) {
        for (const char* name : {"loc", "field"}) {
            const auto found = object.find(name);
            if (found == object.end()) continue;
            if (found->is_string()) return found->get<std::string>();
            std::string place;
            if (found->is_array())
                for (const document& part : *found)
                    place.append(place.empty() ? "" : ".")
                        .append(part.is_string() ? part.get<std::string>() : part.dump());
            return place;
        }
        return {};
    }

    /// Reads the members that are no texts. Returns the object's own code.
    std::string read_facts(const document& object, bool has_codes) {
        std::string own;
        for (const auto& [name, value] : object.items()) {
            const std::string key = plain_key(name);
            const std::string text = value.is_string() ? value.get<std::string>() : std::string();
            if (key == "code" || key == "errorcode" || key == "statuscode" || key == "status") {
                if (value.is_number_integer() && number_.empty() && key != "status") number_ = value.dump();
                if (!has_codes || is_empty_code(text)) continue;
                own = text;
                set_code(text);
            } else if ((key == "type" || key == "errortype" || key == "exceptiontype") && has_codes) {
                if (out_.type.empty() && !is_empty_code(text)) out_.type = text;
            } else if (key == "param" || key == "target") {
                if (out_.param.empty()) out_.param = text;
            } else if (key == "requestid" || key == "traceid") {
                if (out_.request_id.empty()) out_.request_id = text;
            } else {
                read_delay(key, value);
            }
        }
        return own;
    }

    void read_delay(std::string_view key, const document& value) {
        using namespace std::chrono_literals;
        if (out_.retry_after) return;
        if (key == "headers" && value.is_object())
            out_.retry_after = delay_in_headers(value);
        else if (key == "retryafterms")
            out_.retry_after = delay_of(value, 1ms);
        else if (key == "retryafter" || key == "retryafterseconds" || key == "retrydelay")
            out_.retry_after = delay_of(value, 1s);
    }

    void set_code(const std::string& code) {
        if (is_number(code)) {
            if (number_.empty()) number_ = code;
        } else if (out_.code.empty()) {
            out_.code = code;
        }
    }

    /// The members that say why, or hold an object that does; the most telling first.
    static constexpr std::array<std::string_view, 20> text_keys{
        "title",    "error",   "message",          "errormessage", "errormsg",    "msg",        "description",
        "detail",   "details", "errordescription", "errors",       "reason",      "innererror", "fieldviolations",
        "metadata", "raw",     "response",         "fault",        "faultstring", "cause",
    };

    error_body& out_;
    std::vector<std::string> texts_;
    std::string number_;  ///< A code that only repeats the status, as far as is known.
};

/// The data of the first event in the body that has any.
std::string first_data(std::string_view body) {
    std::string data;
    while (!body.empty()) {
        const std::string_view line = body.substr(0, body.find('\n'));
        body.remove_prefix(std::min(line.size() + 1, body.size()));
        if (line.starts_with("data:"))
            data.append(data.empty() ? "" : "\n").append(ascii::trim(line.substr(5), blanks));
        else if (!data.empty() && ascii::trim(line, blanks).empty())
            break;
    }
    return data;
}

bool is_event_stream(std::string_view body) noexcept {
    return body.starts_with("data:") || body.starts_with("event:");
}

bool is_json(std::string_view text) noexcept {
    return text.starts_with('{') || text.starts_with('[') || text.starts_with('"');
}

/// Bytes that nobody can read.
bool is_binary(std::string_view text) noexcept {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && blanks.find(c) == blanks.npos && c != '\x1b';
    };
    return !utf8::is_well_formed(text) && std::any_of(text.begin(), text.end(), is_control);
}

error_body decode(std::string_view body) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    error_body result;
    error_reader reader(result);
    if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
    if (is_binary(body)) return result;
    std::string text = utf8::decoded(ascii::trim(body, blanks));
    if (is_event_stream(text)) text = first_data(text);
    const document value = is_json(text) ? parsed(text) : document(document::value_t::discarded);
    if (!value.is_discarded()) {
        reader.read(value);
    } else if (text.starts_with('<')) {
        markup_error markup = read_markup(text);
        result.code = std::move(markup.code);
        for (const std::string& each : markup.texts) reader.add(each);
    } else if (text != "null" && text != "true" && text != "false" && !is_number(text)) {
        reader.add(text);
    }
    reader.finish();
    return result;
}

}  // namespace

const std::string& best_code(const std::string& code, const std::string& type) noexcept {
    return code.empty() || (is_number(code) && !type.empty()) ? type : code;
}

error_body decode_error(std::string_view body) noexcept {
    try {
        return decode(body);
    } catch (...) {
        return {};
    }
}

events::stream_error decode_stream_error(std::string_view data) {
    error_body decoded = decode_error(data);
    events::stream_error result;
    result.code = std::move(decoded.code);
    result.message = std::move(decoded.message);
    result.type = std::move(decoded.type);
    result.param = std::move(decoded.param);
    result.retry_after = decoded.retry_after;
    if (result.code.empty() && result.message.empty() && result.type.empty()) result.message = data;
    return result;
}

last_error last_error_of(const events::stream_error& failure) {
    last_error result;
    result.code = best_code(failure.code, failure.type);
    result.message = failure.message;
    result.retry_after = failure.retry_after;
    return result;
}

bool is_bare_error(std::string_view data) noexcept {
    const auto has = [data](std::string_view key) {
        const auto member = json::find_member(data, key);
        return member && *member != "null" && *member != "false" && *member != "[]" && *member != "{}";
    };
    if (!data.starts_with('{')) return false;
    const std::string_view type = json::plain_string(json::find_member(data, "type")).value_or("");
    if (ascii::find_ignoring_case(type, "response.") == 0 || ascii::find_ignoring_case(type, "thread.") == 0)
        return false;
    if (has("error") || json::plain_string(json::find_member(data, "object")) == "error") return true;
    const bool is_typed = !type.empty() && ascii::find_ignoring_case(type, "error") == type.npos &&
                          ascii::find_ignoring_case(type, "exception") == type.npos;
    if (is_typed || has("id") || has("object")) return false;
    return !type.empty() || has("detail") || has("message") || has("errors");
}

}  // namespace corun::codec
