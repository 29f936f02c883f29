#include "json/reader.hpp"

#include "json/text.hpp"

#include <cmath>

namespace corun::codec::json {
namespace {

std::string_view without_trailing_whitespace(std::string_view text) noexcept {
    const std::size_t last = text.find_last_not_of(" \n\r\t");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// A parser holds some 8 KiB: too much for each of thousands of streams.
constexpr std::size_t largest_idle_parser = std::size_t{64} << 10;
thread_local std::vector<std::unique_ptr<simdjson::ondemand::parser>> idle_parsers = [] {
    std::vector<std::unique_ptr<simdjson::ondemand::parser>> few;
    few.reserve(4);
    return few;
}();
thread_local constinit lenient_scope* current_scope = nullptr;

}  // namespace

lenient_scope::lenient_scope() noexcept : outer_(std::exchange(current_scope, this)) {}

lenient_scope::~lenient_scope() {
    current_scope = outer_;
}

lenient_scope* lenient_scope::current() noexcept {
    return current_scope;
}

void lenient_scope::note(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
}

void note_problem(std::string problem) {
    if (current_scope == nullptr) throw shape_error(std::move(problem));
    current_scope->note(problem);
}

void expected(std::string_view member, std::string_view kind) {
    note_problem("\"" + std::string(member) + "\" is not " + std::string(kind));
}

void missing(std::string_view member) {
    note_problem("\"" + std::string(member) + "\" is missing");
}

reader::reader() {
    if (idle_parsers.empty()) {
        parser_ = std::make_unique<simdjson::ondemand::parser>();
    } else {
        parser_ = std::move(idle_parsers.back());
        idle_parsers.pop_back();
    }
}

reader::~reader() {
    if (idle_parsers.size() == idle_parsers.capacity() || parser_->capacity() > largest_idle_parser) return;
    idle_parsers.push_back(std::move(parser_));
}

json::object reader::object(std::string_view text, std::size_t padding) {
    if (const auto offset = find_error(text, current_scope != nullptr ? numbers::any : numbers::finite))
        throw shape_error("not valid JSON at byte " + std::to_string(*offset) + " of " + std::to_string(text.size()));
    if (const auto code = parser_->iterate(text.data(), text.size(), text.size() + padding).get(document_))
        throw shape_error(simdjson::error_message(code));
    json::object result;
    if (document_.get_object().get(result)) throw shape_error("not a JSON object");
    return result;
}

std::string_view token(value source) {
    return without_trailing_whitespace(source.raw_json_token());
}

std::optional<std::string_view> string_inside(value source) {
    const std::string_view text = token(source);
    if (!text.starts_with('"')) return std::nullopt;
    return text.substr(1, text.size() - 2);
}

void read(value source, std::string& out) {
    out.clear();
    if (const auto inside = string_inside(source)) append_unescaped(out, *inside);
}

void read(value source, std::optional<std::int64_t>& out) {
    out.reset();
    if (std::int64_t whole = 0; !source.get_int64().get(whole)) {
        out = whole;
    } else if (double number = 0; !source.get_double().get(number)) {
        // Some writers put whole numbers as 1.7e9 or 1700000000.0.
        if (std::trunc(number) == number && std::abs(number) <= 0x1p53) out = static_cast<std::int64_t>(number);
    }
}

void read(value source, std::optional<bool>& out) {
    out.reset();
    bool flag = false;
    if (source.get_bool().get(flag) == simdjson::SUCCESS) out = flag;
}

void read(value source, std::optional<double>& out) {
    out.reset();
    if (double number = 0; !source.get_double().get(number)) out = number;
}

void read(value source, metadata& out) {
    out.clear();
    const auto members = object_if(source);
    if (!members) return;
    each_member(*members, [&out](std::string_view key, value member) {
        if (string_inside(member)) read(member, out[std::string(key)]);
    });
}

bool is_true(value source) {
    return token(source) == "true";
}

void read_id(value source, std::string_view member, std::string& out) {
    read(source, out);
    if (!string_inside(source)) expected(member, "a string");
}

std::optional<json::object> object_if(value source) {
    if (!token(source).starts_with('{')) return std::nullopt;
    return checked(source.get_object());
}

std::optional<json::array> array_if(value source) {
    if (!token(source).starts_with('[')) return std::nullopt;
    return checked(source.get_array());
}

std::optional<json::object> object_in(value source, std::string_view member) {
    const auto found = object_if(source);
    if (!found && !is_null(source)) expected(member, "an object");
    return found;
}

std::optional<json::array> array_in(value source, std::string_view member) {
    const auto found = array_if(source);
    if (!found && !is_null(source)) expected(member, "an array");
    return found;
}

std::string_view raw(json::object& source) {
    const std::string_view text = without_trailing_whitespace(checked(source.raw_json()));
    checked(source.reset());
    return text;
}

std::string_view raw(json::array& source) {
    const std::string_view text = without_trailing_whitespace(checked(source.raw_json()));
    checked(source.reset());
    return text;
}

std::string_view raw(value source) {
    if (auto members = object_if(source)) return without_trailing_whitespace(checked(members->raw_json()));
    if (auto elements = array_if(source)) return without_trailing_whitespace(checked(elements->raw_json()));
    return token(source);
}

std::string_view key_of(const simdjson::ondemand::field& member, std::string& unescaped) {
    const char* const first = member.key().raw();
    const char* last = first;
    bool escaped = false;
    while (*last != '"') {
        escaped = escaped || *last == '\\';
        last += *last == '\\' ? 2 : 1;
    }
    const std::string_view inside(first, static_cast<std::size_t>(last - first));
    if (!escaped) return inside;
    unescaped.clear();
    append_unescaped(unescaped, inside);
    return unescaped;
}

}  // namespace corun::codec::json
