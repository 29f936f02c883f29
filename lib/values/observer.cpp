#include "text/escape.hpp"
#include <corun/observer.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>

namespace corun {

wire_message::wire_message(part its_part, std::uint64_t number) : kind(its_part), request(number) {}

std::ostream& operator<<(std::ostream& out, const wire_message& message) {
    const bool goes_out =
        message.kind == wire_message::part::request || message.kind == wire_message::part::request_body;
    std::string_view rest = message.text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        out << message.request << (goes_out ? " > " : " < ") << detail::escape(line) << '\n';
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

}  // namespace corun
