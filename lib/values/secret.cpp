#include "text/wipe.hpp"
#include <corun/secret.hpp>

#include <ostream>
#include <utility>

namespace corun {

secret::secret(std::string_view text) : text_(text) {}
secret::secret(const char* text) : text_(text) {}
secret::secret(const std::string& text) : text_(text) {}
secret::secret(const secret& other) = default;

// A moved-from std::string may still hold a short text in its own small buffer. The storage of an empty secret never
// does.
secret::secret(std::string&& text) noexcept : text_(std::move(text)) {
    if (!text_.empty()) wipe(text);
}
secret::secret(secret&& other) noexcept : secret(std::move(other.text_)) {}

secret& secret::operator=(const secret& other) {
    return *this = secret(other);
}

secret& secret::operator=(secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(text_);
    text_ = std::move(other.text_);
    if (!text_.empty()) wipe(other.text_);
    return *this;
}

secret::~secret() {
    if (!text_.empty()) wipe(text_);
}

std::ostream& operator<<(std::ostream& out, const secret& value) {
    return value.empty() ? out : out << "***";
}

void wipe(std::string& text) noexcept {
    // Growing to the capacity allocates nothing, and makes all of the storage ours to write.
    text.resize(text.capacity());
    detail::wipe_memory(text.data(), text.size());
    text.clear();
}

}  // namespace corun
