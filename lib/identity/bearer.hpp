#pragma once
#include <corun/secret.hpp>

#include <string>
#include <utility>

namespace corun::identity {

/// The value of an `Authorization` header field with a bearer token (RFC 6750, 2.1).
[[nodiscard]] inline secret bearer_authorization(const secret& token) {
    std::string value = "Bearer ";
    // Growing would leave copies of the token behind.
    value.reserve(value.size() + token.size());
    value.append(token.reveal());
    return secret(std::move(value));
}

}  // namespace corun::identity
