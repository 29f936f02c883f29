#pragma once
#include <string>
#include <string_view>

namespace corun::identity {

/// The resource of a scope, for endpoints that take one: the scope without `/.default`.
[[nodiscard]] inline std::string resource_of(std::string_view scope) {
    constexpr std::string_view suffix = "/.default";
    if (scope.ends_with(suffix)) scope.remove_suffix(suffix.size());
    return std::string(scope);
}

}  // namespace corun::identity
