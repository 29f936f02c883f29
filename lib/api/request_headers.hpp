#pragma once
#include <corun/headers.hpp>

#include <string_view>

namespace corun::detail {

/// Throws `errc::invalid_header` for a field that is malformed, or that the library sets itself. `option` names the
/// fields in the message.
void check_request_headers(const headers& fields, std::string_view option);

/// Adds the fields of a run to those of its client. They replace the client's fields of the same name.
void override_headers(headers& fields, const headers& of_run);

}  // namespace corun::detail
