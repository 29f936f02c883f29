#include "mcp/answer_reader.hpp"

#include "json/members.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <utility>

namespace corun::mcp {
namespace {

namespace json = codec::json;

constexpr std::size_t max_requests = 100;
constexpr std::chrono::milliseconds longest_retry = std::chrono::minutes{1};

/// The members of `notifications/progress`.
struct progress_params {
    std::string token;
    std::optional<double> value, total;
    std::string message;
};

constexpr json::member<progress_params> progress_members[] = {
    {"progressToken", json::by<read_raw, &progress_params::token>},
    {"progress", json::into<&progress_params::value>},
    {"total", json::into<&progress_params::total>},
    {"message", json::into<&progress_params::message>},
};

/// Some servers return an id as a string.
bool is_same_id(std::string_view a, std::string_view b) noexcept {
    if (a.size() >= 2 && a.front() == '"') a = a.substr(1, a.size() - 2);
    return a == b;
}

error too_large(std::size_t max_bytes) {
    return error(errc::response_too_large, "the MCP server sent more than " + std::to_string(max_bytes) +
                                               " bytes; see server_options::max_response_bytes");
}

}  // namespace

answer_reader::answer_reader(std::string id, std::size_t max_bytes, events handlers)
    : id_(std::move(id)), max_bytes_(max_bytes), handlers_(std::move(handlers)), parser_(max_bytes) {}

void answer_reader::begin(std::string_view media_type) {
    parser_.reset();
    document_.clear();
    format_ = format::none;
    if (ascii::equal_ignoring_case(media_type, "text/event-stream")) format_ = format::events;
    if (ascii::equal_ignoring_case(media_type, "application/json")) format_ = format::json;
    if (format_ != format::none) return;
    const std::string type = media_type.empty() ? "no media type" : detail::quote(media_type.substr(0, 100));
    throw error(errc::unexpected_content_type,
                "the MCP server sent " + type + " instead of application/json or text/event-stream");
}

detail::body_part answer_reader::read(std::string_view part) {
    if (format_ == format::json) {
        if (part.size() > max_bytes_ - document_.size()) throw too_large(max_bytes_);
        document_ += part;
        return detail::body_part::progress;
    }
    const std::size_t before = messages_;
    parser_.feed(part);
    while (const sse::event* event = parser_.next()) {
        // Priming events and keep-alives have no data.
        if (!answer_ && event->type == "message" && !event->data.empty()) (void)take(event->data);
    }
    if (parser_.error() != sse::parser_error::none) throw too_large(max_bytes_);
    last_event_id_ = parser_.last_event_id().empty() ? last_event_id_ : std::string(parser_.last_event_id());
    if (const auto retry = parser_.retry())
        retry_after_ = std::min(longest_retry, std::chrono::milliseconds(std::min<std::uint64_t>(
                                                   *retry, static_cast<std::uint64_t>(longest_retry.count()))));
    if (answer_) return detail::body_part::last;
    return messages_ == before ? detail::body_part::ignored : detail::body_part::progress;
}

void answer_reader::end() {
    if (format_ == format::json && !take(document_))
        throw error(errc::bad_response, "the MCP server's answer is not a JSON-RPC message");
    if (format_ != format::events) return;
    // The blank line after the last event may be missing.
    const sse::event* const event = parser_.finish();
    if (event && !answer_ && event->type == "message") (void)take(event->data);
}

bool answer_reader::take(std::string_view text) {
    auto found = read_messages(text);
    if (!found) return false;
    for (message& one : *found) take(std::move(one));
    return true;
}

void answer_reader::take(message one) {
    if (one.is_answer()) {
        // Servers answer requests that they cannot read with an error without an id.
        const bool is_ours = is_same_id(one.id, id_) || (one.id.empty() && one.error);
        if (!is_ours || answer_) return;
        answer_ = std::move(one);
    } else if (one.is_request()) {
        if (++requests_ > max_requests)
            throw error(errc::bad_response,
                        "the MCP server sent more than " + std::to_string(max_requests) + " requests of its own");
        if (handlers_.on_request) handlers_.on_request(one);
    } else if (one.method == "notifications/progress") {
        take_progress(one.params);
        return;
    } else {
        return;
    }
    ++messages_;
}

void answer_reader::take_progress(std::string_view params) {
    progress_params read;
    try {
        read_object(params, "progress",
                    [&read](json::object source) { json::read_members(source, progress_members, read); });
    } catch (const error&) {
        return;
    }
    if (!is_same_id(read.token, id_) || !read.value) return;
    ++messages_;
    progress report;
    report.value = *read.value;
    report.total = read.total;
    report.message = std::move(read.message);
    if (handlers_.on_progress) handlers_.on_progress(report);
}

}  // namespace corun::mcp
