#pragma once
#include "api/api_client.hpp"
#include "protocol/common.hpp"
#include <corun/paged.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::detail {

/// `include[]=...` for each, joined by `&`; empty for none.
[[nodiscard]] std::string include_query(const std::vector<std::string>& include);

/// The query for the page behind the object `cursor`, or for the first page if it is empty. `options.after` does not
/// count. Throws `errc::invalid_argument` for a bad page size.
[[nodiscard]] std::string list_query(const list_options& options, std::string_view filter, std::string_view cursor);

template <class T, class Query, class Decode>
asio::awaitable<typename paged<T>::page> list_page(std::shared_ptr<api_client> api, std::string collection,
                                                   Query make_query, Decode decode, std::string cursor) {
    typename paged<T>::page page;
    std::string query = make_query(cursor);
    const std::string json = co_await api_client::call(std::move(api), "GET", std::move(collection), std::move(query));
    codec::page decoded = codec::decode_page(json);
    for (const std::string& item : decoded.items) {
        std::optional<T> object = decode(item);
        if (object) page.items.push_back(std::move(*object));
    }
    // A cursor that does not move would never end.
    if (decoded.next != cursor) page.next = std::move(decoded.next);
    co_return page;
}

/// A listing of `collection`, fetched page by page, the first one behind the object `after`. `make_query` makes the
/// query for the page behind a cursor; `decode` makes a T of an item's JSON, or nothing to leave it out.
template <class T, class Query, class Decode>
paged<T> list_pages(std::shared_ptr<api_client> api, std::string collection, std::string after, Query make_query,
                    Decode decode) {
    auto get_page = [api = std::move(api), collection = std::move(collection), after = std::move(after),
                     make_query = std::move(make_query), decode = std::move(decode)](std::string cursor) {
        if (cursor.empty()) cursor = after;
        return list_page<T, Query, Decode>(api, collection, make_query, decode, std::move(cursor));
    };
    return paged<T>(std::move(get_page));
}

/// The same with the options of a listing. With a `filter`, the service lists only objects of this status.
template <class T, class Decode>
paged<T> list(std::shared_ptr<api_client> api, std::string collection, list_options options, Decode decode,
              std::string filter = {}) {
    std::string after = options.after;
    auto make_query = [options = std::move(options), filter = std::move(filter)](const std::string& cursor) {
        return list_query(options, filter, cursor);
    };
    return list_pages<T>(std::move(api), std::move(collection), std::move(after), std::move(make_query),
                         std::move(decode));
}

}  // namespace corun::detail
