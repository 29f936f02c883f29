#pragma once
#include <string>
#include <string_view>

namespace corun::detail {

/// True for OpenAI itself, which takes keys as bearer tokens only.
[[nodiscard]] bool is_openai(std::string_view endpoint);

/// The endpoint without slashes at its end. Throws `errc::invalid_endpoint`, and `errc::insecure_endpoint` when a
/// credential would go over plain http to another machine.
[[nodiscard]] std::string checked_endpoint(std::string_view endpoint, bool has_credential);

/// The URL of a request. `path` begins with a slash; `api_version` and `query` may be empty.
[[nodiscard]] std::string request_url(std::string_view endpoint, std::string_view path, std::string_view api_version,
                                      std::string_view query);

/// `/threads/{id}` and the like. Throws `errc::invalid_argument`, naming `id_name`, for an id that is empty or would
/// change the path's hierarchy.
[[nodiscard]] std::string path_of(std::string_view collection, std::string_view id, std::string_view id_name);

}  // namespace corun::detail
