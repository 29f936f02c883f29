#pragma once
#include "service.hpp"
#include <corun/agent.hpp>
#include <corun/paged.hpp>
#include <corun/thread.hpp>
#include <corun/vector_store.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace corun {

struct agent::state {
    state(std::shared_ptr<detail::service> s, agent_definition d) : service(std::move(s)), definition(std::move(d)) {}
    std::shared_ptr<detail::service> service;
    agent_definition definition;
};

struct thread::state {
    state(std::shared_ptr<detail::service> s, thread_definition d) : service(std::move(s)), definition(std::move(d)) {}
    std::shared_ptr<detail::service> service;
    thread_definition definition;
};

struct vector_store::state {
    state(std::shared_ptr<detail::service> s, vector_store_info i) : service(std::move(s)), info(std::move(i)) {}
    std::shared_ptr<detail::service> service;
    vector_store_info info;
};

namespace detail {

/// Makes handles, and opens them, inside the library.
struct handle_access {
    static agent make(std::shared_ptr<service> owner, agent_definition definition) {
        agent made;
        made.state_ = std::make_shared<agent::state>(std::move(owner), std::move(definition));
        return made;
    }
    static thread make(std::shared_ptr<service> owner, thread_definition definition) {
        thread made;
        made.state_ = std::make_shared<thread::state>(std::move(owner), std::move(definition));
        return made;
    }
    static vector_store make(std::shared_ptr<service> owner, vector_store_info info) {
        vector_store made;
        made.state_ = std::make_shared<vector_store::state>(std::move(owner), std::move(info));
        return made;
    }

    /// Throws `errc::invalid_argument` for an empty handle.
    template <class Handle>
    static auto open(const Handle& handle, const char* what) {
        if (!handle.state_) throw error(errc::invalid_argument, std::string(what) + " is an empty handle");
        return handle.state_;
    }
};

/// Deletes what `collection` has under this id; `what` names the id when it is refused.
inline asio::awaitable<void> delete_at(std::shared_ptr<service> owner, std::string collection, std::string id,
                                       std::string what) {
    std::string path = path_of(collection, id, what);
    (void)co_await service::call(std::move(owner), "DELETE", std::move(path));
}

/// `include[]=...` for each, to be joined to a query by `&`; nothing for none.
inline std::string include_query(const std::vector<std::string>& include) {
    std::string query;
    for (const std::string& each : include) {
        if (!query.empty()) query += '&';
        query += "include%5B%5D=" + percent_encoded(each);
    }
    return query;
}

template <class T, class Decode>
asio::awaitable<typename paged<T>::page> list_page(std::shared_ptr<service> owner, std::string collection,
                                                   list_options options, std::string filter, Decode decode,
                                                   std::string cursor) {
    typename paged<T>::page result;
    if (options.page_size < 1 || options.page_size > 100)
        throw error(errc::invalid_argument, "list_options::page_size must be from 1 to 100");
    if (cursor.empty()) cursor = options.after;
    std::string query = "limit=" + std::to_string(options.page_size);
    query += options.oldest_first ? "&order=asc" : "&order=desc";
    if (!cursor.empty()) query += "&after=" + percent_encoded(cursor);
    if (!options.run_id.empty()) query += "&run_id=" + percent_encoded(options.run_id);
    if (!options.include.empty()) query += '&' + include_query(options.include);
    if (!filter.empty()) query += "&filter=" + percent_encoded(filter);
    const std::string json = co_await service::call(std::move(owner), "GET", std::move(collection), std::move(query));
    codec::threads::page decoded = codec::threads::decode_page(json);
    for (const std::string& item : decoded.items) result.items.push_back(decode(item));
    // A cursor that does not move would never end.
    if (decoded.next != cursor) result.next = std::move(decoded.next);
    co_return result;
}

/// A listing of `collection`, fetched page by page; `decode` makes a T of an item's JSON. `filter`
/// unless empty: the service shows only items of this status.
template <class T, class Decode>
paged<T> list(std::shared_ptr<service> owner, std::string collection, list_options options, Decode decode,
              std::string filter = {}) {
    auto get_page = [owner = std::move(owner), collection = std::move(collection), options = std::move(options),
                     filter = std::move(filter), decode = std::move(decode)](std::string cursor) {
        return list_page<T, Decode>(owner, collection, options, filter, decode, std::move(cursor));
    };
    return paged<T>(std::move(get_page));
}

}  // namespace detail
}  // namespace corun
