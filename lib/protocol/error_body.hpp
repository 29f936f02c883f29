#pragma once
#include <corun/event.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace corun::codec {

/// What the body of an error says. Members that it does not have stay empty.
struct error_body {
    error_body() = default;

    std::string code, message, type, param, request_id;
    std::optional<std::chrono::milliseconds> retry_after;  ///< The delay that it asks for.
};

/// The code, or the type if the code is missing or a mere number.
const std::string& best_code(const std::string& code, const std::string& type) noexcept;

/// Reads an error of any shape: the JSON of OpenAI, Azure, Google, FastAPI, problem details (RFC 9457) and others, flat
/// or nested, in a text or in a list; XML; HTML; an event stream; plain text. Texts that say different things are
/// joined to one message, of 16 KiB at most. Nothing is found in JSON without a text, a code or a type that is known to
/// be one, and in bytes that are no text.
error_body decode_error(std::string_view body) noexcept;

/// The same for an `error` event. What says nothing that is known is its own message.
events::stream_error decode_stream_error(std::string_view data);

/// The same as the reason of a failed run.
last_error last_error_of(const events::stream_error& failure);

/// Whether the data of an event without a name is an error: `{"error": ...}`, `{"detail": ...}`, `{"object": "error"}`,
/// `{"message": ...}` and the like, and nothing that a stream has otherwise.
bool is_bare_error(std::string_view data) noexcept;

}  // namespace corun::codec
