#pragma once
#include <corun/asio.hpp>
#include <corun/export.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun {

/// The order and page size of a listing, and its filters.
struct CORUN_API list_options {
    list_options() = default;

    int page_size = 100;        ///< Objects per request, 1 to 100.
    bool oldest_first = false;  ///< Default: newest first.
    std::string after;          ///< Starts after the object with this id, in the order of the listing.
    std::string run_id;         ///< Messages of a classic thread only: the messages of one run.
    /// Steps only: additional members, such as `file_search_result_content`.
    std::vector<std::string> include;
};

/// A listing that fetches its pages as needed:
///
///     auto agents = client.list_agents();
///     while (auto agent = co_await agents.next()) use(*agent);
///
/// *Lifetime:* A cheap handle; copies share the position.
///
/// *Threads:* Not thread-safe. Use it on the client's executor, with one `next` at a time.
template <class T>
class paged {
public:
    /// One page of a listing.
    struct page {
        page() = default;
        std::vector<T> items;  ///< The objects of the page.
        std::string next;      ///< The cursor of the next page; empty at the end.
    };
    /// Fetches the page that begins after `cursor`; the first one if it is empty.
    using fetch = std::function<asio::awaitable<page>(std::string cursor)>;

    paged() = default;
    explicit paged(fetch get_page) : state_(std::make_shared<state>(std::move(get_page))) {}

    /// Completes with the next object, or with nothing at the end.
    ///
    /// *Errors:* Those of the request for the next page. The next call then requests the same page again.
    ///
    /// *Cancellation:* As for the other functions of `client`.
    [[nodiscard]] asio::awaitable<std::optional<T>> next() { return next_of(state_); }

private:
    struct state {
        explicit state(fetch f) : get_page(std::move(f)) {}
        fetch get_page;
        page current;
        std::size_t position = 0;
        bool started = false;
    };

    static asio::awaitable<std::optional<T>> next_of(std::shared_ptr<state> s) {
        std::optional<T> item;
        while (s && s->position == s->current.items.size()) {
            if (s->started && s->current.next.empty()) co_return item;
            page fetched = co_await s->get_page(s->current.next);
            s->current = std::move(fetched);
            s->position = 0;
            s->started = true;
        }
        if (s) item = std::move(s->current.items[s->position++]);
        co_return item;
    }

    std::shared_ptr<state> state_;
};

}  // namespace corun
