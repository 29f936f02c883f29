#pragma once
#include <map>
#include <string>
#include <string_view>

namespace corun::gateway {

/// The files of a folder, in memory. Nothing outside the folder can be asked for.
class pages {
public:
    struct page {
        std::string content_type, bytes;
    };

    pages() = default;
    /// Reads all files in the folder, not those in folders below it. Throws `std::system_error`.
    explicit pages(const std::string& folder);

    /// The file at this path; `/` is `index.html`. Null if there is none.
    [[nodiscard]] const page* find(std::string_view path) const noexcept;

    /// Lets a page load nothing but what the gateway serves, and images from anywhere.
    static constexpr const char* content_security_policy =
        "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'";

private:
    std::map<std::string, page, std::less<>> all_;
};

}  // namespace corun::gateway
