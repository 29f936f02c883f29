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

/// The query for the page behind `cursor`, or for the first one if it is empty. With a `filter`, the service lists only
/// objects of this status. Throws `errc::invalid_argument` for a bad page size.
[[nodiscard]] std::string list_query(const list_options& options, std::string_view filter, const std::string& cursor);

template <class T, class Decode>
asio::awaitable<typename paged<T>::page> list_page(std::shared_ptr<api_client> api, std::string collection,
                                                   list_options options, std::string filter, Decode decode,
                                                   std::string cursor) {
    typename paged<T>::page result;
    std::string query = list_query(options, filter, cursor);
    const std::string json = co_await api_client::call(std::move(api), "GET", std::move(collection), std::move(query));
    codec::page decoded = codec::decode_page(json);
    for (const std::string& item : decoded.items) {
        std::optional<T> object = decode(item);
        if (object) result.items.push_back(std::move(*object));
    }
    // A cursor that does not move would never end.
    if (decoded.next != (cursor.empty() ? options.after : cursor)) result.next = std::move(decoded.next);
    co_return result;
}

/// A listing of `collection`, fetched page by page. `decode` makes a T of an item's JSON, or nothing to leave it out.
template <class T, class Decode>
paged<T> list(std::shared_ptr<api_client> api, std::string collection, list_options options, Decode decode,
              std::string filter = {}) {
    auto get_page = [api = std::move(api), collection = std::move(collection), options = std::move(options),
                     filter = std::move(filter), decode = std::move(decode)](std::string cursor) {
        return list_page<T, Decode>(api, collection, options, filter, decode, std::move(cursor));
    };
    return paged<T>(std::move(get_page));
}

}  // namespace corun::detail
