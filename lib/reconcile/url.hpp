#pragma once
#include <string>
#include <string_view>

namespace corun::reconcile {

/// True when what is sent to this URL travels readable: its scheme is http, and its host is neither
/// `localhost` nor a literal address of 127.0.0.0/8 nor ::1.
bool is_insecure(std::string_view url) noexcept;

/// The URL as it may be shown: user, password, query and fragment may hold secrets.
std::string without_userinfo_and_query(std::string_view url);

}  // namespace corun::reconcile
