#pragma once
#include "redact/redact.hpp"
#include <corun/sse/parser.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::detail {

/// True for the media types of JSON. A body without one is taken for JSON too.
[[nodiscard]] bool is_json_media_type(std::string_view media_type) noexcept;

/// `[4096 bytes of image/png]`
[[nodiscard]] std::string byte_count(std::uint64_t bytes, std::string_view media_type);

/// A JSON document without its secrets, or its size if it is not JSON.
[[nodiscard]] std::string document_or_count(std::string_view document, std::string_view media_type,
                                            const redactor& known);

/// Turns the body of a response into texts without secrets: one for each event of a stream, or one for a whole JSON
/// document. Other bodies are counted, and so is an incomplete event.
class body_gatherer {
public:
    /// Larger documents are counted. A larger event ends what is shown.
    static constexpr std::size_t max_bytes = std::size_t{1} << 20;

    struct piece {
        std::string text;
        std::uint64_t bytes = 0;  ///< Of the body, since the last piece.
    };

    body_gatherer(std::string media_type, redactor known);
    body_gatherer(const body_gatherer&) = delete;
    body_gatherer& operator=(const body_gatherer&) = delete;
    ~body_gatherer();

    [[nodiscard]] std::vector<piece> add(std::string_view bytes);
    /// The end of the body. Nothing if there is nothing left to show.
    [[nodiscard]] std::optional<piece> finish();

private:
    enum class format { events, json, other };

    [[nodiscard]] std::string shown(const sse::event& event) const;

    std::string media_type_;
    redactor known_;
    format format_;
    sse::parser parser_{max_bytes};
    std::string document_;
    std::uint64_t bytes_ = 0;
};

}  // namespace corun::detail
