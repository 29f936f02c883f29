#pragma once
#include "emulator/http/api_error.hpp"
#include "emulator/http/schema.hpp"
#include "emulator/json.hpp"
#include "emulator/store.hpp"
#include "server/http_server.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::emulator {

/// A parsed request.
struct api_request {
    /// `base` is the path of the endpoint. Outside of it, `/v1/responses` and the like, below any prefix, get the
    /// segments that they have in the project: `openai`, `v1`, `responses`. So do those of an agent's own endpoint.
    api_request(const http::request& request, std::string_view base);

    /// The query parameter of this name, empty when there is none.
    [[nodiscard]] std::string parameter(std::string_view name) const;
    /// Compares the path with a pattern, where `*` matches any one segment: `threads/*/runs`.
    [[nodiscard]] bool has_path(std::string_view pattern) const;

    const std::string& body_text;
    const http::fields& fields;
    std::string method, path, raw_query;
    std::vector<std::string> segments;
    std::vector<std::pair<std::string, std::string>> query;
    std::string agent;  ///< The one whose own endpoint this is, below `agents/*/endpoint/protocols/openai`.
    bool in_project = false, at_openai = false;
    bool at_bare_v1 = false;  ///< No other segment precedes `v1`.

private:
    void take_openai_segments();
    void take_agent_segments();
};

/// A row in a table of routes: method, path and the member function that answers.
template <class Handler>
struct route {
    const char* method;
    const char* path;
    Handler handler;
};

/// The handler of the route that matches, null when none does.
template <class Handler, std::size_t size>
Handler find_route(const route<Handler> (&routes)[size], const api_request& request) {
    for (const auto& [method, path, handler] : routes)
        if (request.method == method && request.has_path(path)) return handler;
    return nullptr;
}

/// What the gateway answers when no route matches.
inline api_error no_such_route() {
    return gateway_error(404, "404", "Resource not found");
}

/// The JSON body, if `check` accepts it. An absent body is an empty object unless `required`.
json body_of(const api_request& request, const schema::check& check, bool required = true);

/// The page that a listing asks for.
page_request page_of(const api_request& request);

/// A page of the records that `wanted` accepts, as `view` shows them. Throws `api_error`.
template <class T, class Wanted, class View>
json list_page(const store<T>& items, const page_request& page, const std::string& kind, Wanted wanted, View view) {
    auto result = items.page(page, wanted, view);
    if (result) return std::move(*result);
    throw not_found(kind, items.find(page.after) || page.after.empty() ? page.before : page.after);
}

/// The record of this id. Throws `api_error` when there is none.
template <class T>
std::shared_ptr<T> find_or_throw(const store<T>& items, const std::string& id, const std::string& kind) {
    auto found = items.find(id);
    if (!found) throw not_found(kind, id);
    return found;
}

/// The answer to a deletion.
json deleted(const std::string& id, const std::string& object);

inline constexpr auto all = [](const auto&) { return true; };

}  // namespace corun::emulator
