#include "http/body_gatherer.hpp"

#include "redact/body_redactor.hpp"
#include "text/ascii.hpp"

#include <utility>

namespace corun::detail {

bool is_json_media_type(std::string_view media_type) noexcept {
    return media_type.empty() || ascii::equal_ignoring_case(media_type, "application/json") ||
           media_type.ends_with("+json");
}

std::string byte_count(std::uint64_t bytes, std::string_view media_type) {
    std::string count = "[" + std::to_string(bytes) + " bytes";
    if (!media_type.empty()) count.append(" of ").append(media_type);
    return count += ']';
}

std::string document_or_count(std::string_view document, std::string_view media_type, const redactor& known) {
    std::optional<std::string> shown;
    if (document.size() <= body_gatherer::max_bytes) shown = redacted_json(document, known);
    return shown ? std::move(*shown) : byte_count(document.size(), media_type);
}

body_gatherer::body_gatherer(std::string media_type, redactor known)
    : media_type_(std::move(media_type)),
      known_(std::move(known)),
      format_(ascii::equal_ignoring_case(media_type_, "text/event-stream") ? format::events
              : is_json_media_type(media_type_)                            ? format::json
                                                                           : format::other) {}

body_gatherer::~body_gatherer() {
    wipe(document_);
}

std::vector<body_gatherer::piece> body_gatherer::add(std::string_view bytes) {
    std::vector<piece> pieces;
    bytes_ += bytes.size();
    if (format_ == format::events) {
        parser_.feed(bytes);
        while (const sse::event* const event = parser_.next())
            pieces.push_back({shown(*event), std::exchange(bytes_, 0)});
    } else if (format_ == format::json && bytes.size() <= max_bytes - document_.size()) {
        document_ += bytes;
    } else {
        format_ = format::other;
        wipe(document_);
    }
    return pieces;
}

std::optional<body_gatherer::piece> body_gatherer::finish() {
    if (format_ == format::events) {
        if (parser_.error() != sse::parser_error::none)
            return piece{"[an event larger than " + std::to_string(max_bytes) + " bytes, and everything after it]",
                         bytes_};
        // Not shown: the end of the body may have cut a secret in two.
        if (const sse::event* const event = parser_.finish())
            return piece{byte_count(event->data.size(), "an incomplete event"), bytes_};
        return std::nullopt;
    }
    if (bytes_ == 0) return std::nullopt;
    if (format_ == format::json) return piece{document_or_count(document_, media_type_, known_), bytes_};
    return piece{byte_count(bytes_, media_type_), bytes_};
}

std::string body_gatherer::shown(const sse::event& event) const {
    std::string text;
    if (event.type != "message") text.append("event: ").append(redacted_text(event.type, known_)).append("\n");
    return text.append("data: ").append(redacted_text(event.data, known_)).append("\n\n");
}

}  // namespace corun::detail
