#include "gateway/user_file.hpp"

#include "gateway/json.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace corun::gateway {
namespace {

constexpr std::string_view bearer = "Bearer ";

/// Takes the same time wherever the texts differ.
bool equal_secrets(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size() || a.empty()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
}

}  // namespace

user_file::user_file(const std::string& text, std::string user_header) : user_header_(std::move(user_header)) {
    const json parsed = json::parse(text.empty() ? R"({"users":[]})" : text, nullptr, false);
    if (!member(parsed, "users").is_array()) throw std::runtime_error("the file of users has no list 'users'");
    for (const json& each : member(parsed, "users")) {
        known_user made{string_member(each, "id"), secret(string_member(each, "token")), {}};
        if (made.id.empty()) throw std::runtime_error("a user has no 'id'");
        for (const auto& [label, fields] : member(each, "mcp_headers").items())
            for (const auto& [name, value] : fields.items()) {
                if (!value.is_string()) throw std::runtime_error("a header of a user is no string");
                made.headers.set(label, name, secret(value.get<std::string>()));
            }
        users_.push_back(std::move(made));
    }
}

std::optional<user> user_file::find_id(std::string_view id) const {
    for (const known_user& each : users_)
        if (each.id == id) return user(each.id, each.headers);
    // A proxy knows more users.
    if (id.empty() || user_header_.empty()) return {};
    return user(std::string(id));
}

std::optional<user> user_file::find(const request_head& head) const {
    if (!user_header_.empty()) return find_id(head.header(user_header_));
    std::string_view token = head.header("Authorization");
    if (!token.starts_with(bearer)) return {};
    token.remove_prefix(bearer.size());
    std::optional<user> found;
    for (const known_user& each : users_)
        if (equal_secrets(each.token.reveal(), token)) found.emplace(each.id, each.headers);
    return found;
}

}  // namespace corun::gateway
