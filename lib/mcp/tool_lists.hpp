#pragma once
#include "mcp/header_rules.hpp"
#include "net/clock.hpp"
#include <corun/mcp/tool.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace corun::mcp {

/// The tools that a server has listed, and how they are called.
struct listed_tools {
    listed_tools() = default;

    tool_list list;
    std::map<std::string, std::vector<header_parameter>, std::less<>> parameters;  ///< Of tools, by their names.
};

/// What a server has listed, by the principal to whom. Lists are used again until they expire. Of too many, the one
/// that expires first is dropped.
class tool_lists {
public:
    static constexpr std::size_t max_principals = 1'000;

    /// Null if there is none that is fresh.
    [[nodiscard]] std::shared_ptr<const listed_tools> find(const std::string& principal, net::time_point now);
    void store(const std::string& principal, std::shared_ptr<const listed_tools> tools, net::time_point expires_at);
    void erase(const std::string& principal) { lists_.erase(principal); }

private:
    struct entry {
        std::shared_ptr<const listed_tools> tools;
        net::time_point expires_at;
    };

    std::map<std::string, entry> lists_;
};

}  // namespace corun::mcp
