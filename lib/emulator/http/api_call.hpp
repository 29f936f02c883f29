#pragma once
#include "emulator/http/http_server.hpp"
#include "emulator/http/refusal.hpp"
#include "emulator/json.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/schema.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::emulator {

/// A request taken apart.
struct call {
    /// `base` is the path of the endpoint. Elsewhere, `/v1/responses` and the like, below any prefix, have the
    /// segments that they have in the project: `openai`, `v1`, `responses`.
    call(const http::request& request, std::string_view base);

    /// The query parameter of this name, empty when there is none.
    [[nodiscard]] std::string parameter(std::string_view name) const;
    /// Method and path, `*` for each id: `POST threads/*/runs`.
    [[nodiscard]] bool is(std::string_view wanted_method, std::initializer_list<std::string_view> pattern) const;

    const std::string& body_text;
    const http::fields& fields;
    std::string method, path, raw_query;
    std::vector<std::string> segments;
    std::vector<std::pair<std::string, std::string>> query;
    bool in_project = false, at_openai = false;

private:
    void take_openai_segments();
};

/// The JSON body, when `check` lets it through. Absent, it is an empty object unless `required`.
json body_of(const call& what, const schema::check& check, bool required = true);

/// What a listing is asked for.
page_request page_of(const call& what);

template <class T, class Wanted, class View>
json page_or_refuse(const store<T>& items, const page_request& page, const std::string& kind, Wanted wanted,
                    View view) {
    auto result = items.page(page, wanted, view);
    if (result) return std::move(*result);
    throw not_found(kind, items.find(page.after) || page.after.empty() ? page.before : page.after);
}

template <class T>
std::shared_ptr<T> find_or_refuse(const store<T>& items, const std::string& id, const std::string& kind) {
    auto found = items.find(id);
    if (!found) throw not_found(kind, id);
    return found;
}

/// What the service says of something that it has deleted.
json deleted(const std::string& id, const std::string& object);

inline constexpr auto all = [](const auto&) { return true; };

}  // namespace corun::emulator
