#pragma once
#include <corun/secret.hpp>

#include <string>
#include <string_view>
#include <vector>

/// What both protocols encode and decode in the same way.
namespace corun::codec {

/// A page of a listing: the raw JSON of its items, and where the next page starts.
struct page {
    page() = default;

    std::vector<std::string> items;
    std::string next;  ///< Empty on the last page.
};
/// Throws `errc::bad_response` when the text is not a page.
page decode_page(std::string_view json);

/// The request that starts a run.
struct encoded_request {
    encoded_request() = default;

    secret body;
    std::string shown;  ///< The same body, indented, with every secret replaced by `***`.
};

/// True for what can be sent as a text: valid UTF-8.
bool is_text(std::string_view value) noexcept;
/// The output of a function that failed, for the model to read: `{"error":"..."}`.
std::string encode_function_failure(std::string_view reason);

}  // namespace corun::codec
