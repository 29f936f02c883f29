#include "mcp/tool_lists.hpp"

#include <algorithm>
#include <utility>

namespace corun::mcp {

std::shared_ptr<const listed_tools> tool_lists::find(const std::string& principal, net::time_point now) {
    const auto found = lists_.find(principal);
    if (found == lists_.end()) return nullptr;
    if (now < found->second.expires_at) return found->second.tools;
    lists_.erase(found);
    return nullptr;
}

void tool_lists::store(const std::string& principal, std::shared_ptr<const listed_tools> tools,
                       net::time_point expires_at) {
    if (lists_.size() >= max_principals && !lists_.contains(principal))
        lists_.erase(std::min_element(lists_.begin(), lists_.end(), [](const auto& a, const auto& b) {
            return a.second.expires_at < b.second.expires_at;
        }));
    entry& stored = lists_[principal];
    stored.tools = std::move(tools);
    stored.expires_at = expires_at;
}

}  // namespace corun::mcp
