#pragma once
#include <string>
#include <string_view>

namespace corun::test {

/// A server-sent event as a server writes it.
inline std::string frame(std::string_view name, std::string_view data = "{}") {
    return "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
}

}  // namespace corun::test
