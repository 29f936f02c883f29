#include "text/ascii.hpp"
#include <corun/mcp/tool.hpp>

#include <algorithm>
#include <utility>

namespace corun::mcp {
namespace {

/// `[image/png, 3 KiB]`: what a text says of data that it cannot contain.
std::string note_of(const content& block) {
    const std::size_t bytes = block.data.size() / 4 * 3;
    std::string note = "[" + (block.mime_type.empty() ? block.type : block.mime_type) + ", ";
    note += bytes < 2048 ? std::to_string(bytes) + " bytes" : std::to_string(bytes / 1024) + " KiB";
    if (!block.uri.empty()) note += ", " + block.uri;
    return note + "]";
}

std::string line_of(const content& block) {
    if (block.type == "text") return block.text;
    if (block.type == "resource" && block.data.empty()) return block.uri + "\n" + block.text;
    if (block.type == "resource_link") return "[" + (block.name.empty() ? "link" : block.name) + ": " + block.uri + "]";
    if (!block.data.empty()) return note_of(block);
    return block.raw;
}

/// Reads the challenges of a field (RFC 9110, 11.6.1): `Bearer realm="mcp", scope="a b", Basic realm="x"`.
class challenge_reader {
public:
    explicit challenge_reader(std::string_view text) noexcept : rest_(text) {}

    std::optional<challenge> read() {
        std::vector<challenge> all;
        while (skip_to_token()) {
            const std::string_view name = take_token();
            skip_blanks();
            if (rest_.starts_with('=') && !all.empty())
                add(name, all.back());
            else
                all.emplace_back().scheme = name;
        }
        const auto bearer = std::find_if(all.begin(), all.end(), is_bearer);
        if (bearer != all.end()) return std::move(*bearer);
        if (all.empty()) return std::nullopt;
        return std::move(all.front());
    }

private:
    static bool is_bearer(const challenge& one) noexcept { return ascii::equal_ignoring_case(one.scheme, "Bearer"); }
    static bool ends_token(char c) noexcept { return c == ' ' || c == '\t' || c == ',' || c == '=' || c == '"'; }

    bool skip_to_token() noexcept {
        while (!rest_.empty() && ends_token(rest_.front())) rest_.remove_prefix(1);
        return !rest_.empty();
    }
    void skip_blanks() noexcept {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }

    std::string_view take_token() noexcept {
        std::size_t size = 0;
        while (size != rest_.size() && !ends_token(rest_[size])) ++size;
        const std::string_view token = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return token;
    }

    std::string take_value() {
        rest_.remove_prefix(1);
        skip_blanks();
        if (!rest_.starts_with('"')) return std::string(take_token());
        std::string value;
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        rest_.remove_prefix(rest_.empty() ? 0 : 1);
        return value;
    }

    void add(std::string_view name, challenge& to) {
        std::string value = take_value();
        constexpr std::pair<std::string_view, std::string challenge::*> members[] = {
            {"realm", &challenge::realm},
            {"error", &challenge::error},
            {"error_description", &challenge::error_description},
            {"scope", &challenge::scope},
            {"resource_metadata", &challenge::resource_metadata},
        };
        for (const auto& [known, member] : members)
            if (ascii::equal_ignoring_case(name, known)) to.*member = std::move(value);
    }

    std::string_view rest_;
};

}  // namespace

std::string tool_result::text() const {
    std::string joined;
    for (const mcp::content& block : content) {
        const std::string line = line_of(block);
        if (line.empty()) continue;
        if (!joined.empty()) joined += '\n';
        joined += line;
    }
    return joined.empty() ? structured_content : joined;
}

std::optional<challenge> parse_challenge(std::string_view www_authenticate) {
    return challenge_reader(www_authenticate).read();
}

}  // namespace corun::mcp
