#include "server/target.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace corun::http {

std::string percent_decoded(std::string_view text, bool plus_is_space) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned code = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
            plain += static_cast<char>(code);
            i += 2;
        } else {
            plain += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return plain;
}

std::vector<std::string> path_segments(std::string_view path) {
    std::vector<std::string> segments;
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const auto segment = rest.substr(0, rest.find('/'));
        segments.push_back(percent_decoded(segment));
        rest.remove_prefix(segment.size());
    }
    return segments;
}

fields query_parameters(std::string_view query) {
    fields parameters;
    for (std::string_view rest = query; !rest.empty();) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const auto equals = pair.find('=');
        parameters.emplace_back(
            percent_decoded(pair.substr(0, equals), true),
            equals == std::string_view::npos ? std::string{} : percent_decoded(pair.substr(equals + 1), true));
    }
    return parameters;
}

}  // namespace corun::http
