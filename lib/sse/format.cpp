#include <corun/error.hpp>
#include <corun/sse/format.hpp>

#include <algorithm>

namespace corun::sse {
namespace {

using namespace std::string_view_literals;

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\n");
}

void require_none_of(std::string_view value, std::string_view characters, const char* problem) {
    if (value.find_first_of(characters) != std::string_view::npos) throw error(errc::invalid_argument, problem);
}

}  // namespace

std::string format(const event& value) {
    require_none_of(value.type, "\r\n"sv, "sse::event::type contains a line break");
    require_none_of(value.last_event_id, "\r\n\0"sv, "sse::event::last_event_id contains a line break or NUL");
    std::string out;
    out.reserve(value.type.size() + value.data.size() + value.last_event_id.size() + 32);
    if (!value.type.empty() && value.type != "message") append_field(out, "event", value.type);
    if (!value.last_event_id.empty()) append_field(out, "id", value.last_event_id);
    std::string_view rest = value.data;
    for (;;) {
        const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
        append_field(out, "data", rest.substr(0, end));
        if (end == rest.size()) break;
        const bool is_crlf = rest.substr(end, 2) == "\r\n";
        rest.remove_prefix(end + (is_crlf ? 2 : 1));
    }
    return out += '\n';
}

}  // namespace corun::sse
