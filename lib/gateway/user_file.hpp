#pragma once
#include <corun/gateway/gateway.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::gateway {

/// The users of a JSON file:
///
///     {"users": [{"id": "anna", "token": "...", "mcp_headers": {"bookings": {"Authorization": "Bearer ..."}}}]}
///
/// A user signs in with the token, as a bearer token. With `user_header`, a proxy has signed the user in, and this
/// header field says who it is.
class user_file {
public:
    /// Throws `std::runtime_error`, which quotes nothing of the text.
    explicit user_file(const std::string& text, std::string user_header = {});

    [[nodiscard]] std::optional<user> find(const request_head& head) const;
    /// The user of this id, with the headers.
    [[nodiscard]] std::optional<user> find_id(std::string_view id) const;

private:
    struct known_user {
        std::string id;
        secret token;
        mcp_headers headers;
    };

    std::vector<known_user> users_;
    std::string user_header_;
};

}  // namespace corun::gateway
