#pragma once
#include "codec/responses.hpp"
#include "codec/threads.hpp"
#include "codec/threads_files.hpp"
#include "service.hpp"
#include <corun/agent.hpp>
#include <corun/paged.hpp>
#include <corun/thread.hpp>
#include <corun/vector_store.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun {

namespace detail {

/// What a handle holds: whose it is, and its object as last received.
template <class Value>
struct handle_state {
    explicit handle_state(std::shared_ptr<detail::service> s) : service(std::move(s)) {}
    std::shared_ptr<detail::service> service;
    Value value;
};

}  // namespace detail

// Each with the path of its kind, the name of its id, and the meaning of its JSON.

struct agent::state : detail::handle_state<agent_definition> {
    using handle_state::handle_state;
    prompt_agent_definition prompt;  ///< In the Responses protocol, which `value` is made of.
    bool local = false;              ///< Lives in the application.
    bool is_one_version = false;     ///< Of the agent at the service; else the latest, whichever that is.
    static constexpr const char* id_name = "the agent's id";
    static constexpr const char* version_name = "the agent's version";
    /// Throws where there is none.
    static std::string collection(const detail::service& of) {
        if (!of.speaks_responses()) return "/assistants";
        if (of.is_openai())
            throw error(errc::invalid_argument,
                        "an endpoint that ends in /v1 stores no agents; use client::local_agent");
        return "/agents";
    }
    static std::string versions_of(const detail::service& of, std::string_view id) {
        return detail::path_of(collection(of), id, id_name) + "/versions";
    }
    void read(std::string_view json) {
        if (!service->speaks_responses())
            value = codec::threads::decode_agent(json);
        else
            take(codec::responses::decode_agent(json));
    }
    void take(prompt_agent_definition what) {
        prompt = std::move(what);
        value = codec::responses::to_classic(prompt);
    }
};

struct thread::state : detail::handle_state<thread_definition> {
    using handle_state::handle_state;
    std::string latest_run;  ///< That is known here.
    static constexpr const char* id_name = "the thread's id";
    static std::string collection(const detail::service& of) {
        return of.speaks_responses() ? of.openai_path() + "/conversations" : "/threads";
    }
    void read(std::string_view json) {
        value = service->speaks_responses() ? codec::responses::decode_conversation(json)
                                            : codec::threads::decode_thread(json);
    }
};

struct vector_store::state : detail::handle_state<vector_store_info> {
    using handle_state::handle_state;
    static constexpr const char* id_name = "the vector store's id";
    static std::string collection(const detail::service&) { return "/vector_stores"; }
    void read(std::string_view json) { value = codec::threads::decode_vector_store(json); }
};

namespace detail {

/// Makes handles, and opens them, inside the library.
struct handle_access {
    /// A handle of what the service has answered.
    template <class Handle>
    static Handle make(std::shared_ptr<service> owner, std::string_view json) {
        Handle made;
        made.state_ = std::make_shared<typename Handle::state>(std::move(owner));
        made.state_->read(json);
        return made;
    }

    static agent make_local(std::shared_ptr<service> owner, prompt_agent_definition definition) {
        agent made;
        made.state_ = std::make_shared<agent::state>(std::move(owner));
        made.state_->local = true;
        made.state_->take(std::move(definition));
        return made;
    }

    static agent make_version(std::shared_ptr<service> owner, std::string_view json) {
        agent made = make<agent>(std::move(owner), json);
        made.state_->is_one_version = true;
        return made;
    }

    static asio::awaitable<agent> get_version(std::shared_ptr<service> owner, std::string id, std::string version) {
        std::string path = path_of(agent::state::versions_of(*owner, id), version, agent::state::version_name);
        const std::string json = co_await service::call(owner, "GET", std::move(path));
        co_return make_version(std::move(owner), json);
    }

    static paged<agent> list_versions(std::shared_ptr<service> owner, const std::string& id, list_options options);

    template <class Handle>
    static asio::awaitable<Handle> create(std::shared_ptr<service> owner, secret body) {
        std::string path = Handle::state::collection(*owner);
        const std::string json = co_await service::call(owner, "POST", std::move(path), {}, std::move(body));
        co_return make<Handle>(std::move(owner), json);
    }

    template <class Handle>
    static asio::awaitable<Handle> get(std::shared_ptr<service> owner, std::string id) {
        std::string path = path_of(Handle::state::collection(*owner), id, Handle::state::id_name);
        const std::string json = co_await service::call(owner, "GET", std::move(path));
        co_return make<Handle>(std::move(owner), json);
    }

    template <class Handle>
    static paged<Handle> list(std::shared_ptr<service> owner, list_options options);

    template <class Handle>
    static asio::awaitable<void> remove(std::shared_ptr<service> owner, std::string id) {
        std::string path = path_of(Handle::state::collection(*owner), id, Handle::state::id_name);
        (void)co_await service::call(std::move(owner), "DELETE", std::move(path));
    }

    /// Throws `errc::invalid_argument` for an empty handle.
    template <class Handle>
    static auto open(const Handle& handle, const char* what) {
        if (!handle.state_) throw error(errc::invalid_argument, std::string(what) + " is an empty handle");
        return handle.state_;
    }
};

// What every handle can do with what it stands for. Handles come and go: these keep their state.

template <class State>
std::string path_to(const State& of) {
    if constexpr (requires { of.is_one_version; })
        if (of.is_one_version)
            return path_of(State::versions_of(*of.service, of.value.id), of.prompt.version, State::version_name);
    return path_of(State::collection(*of.service), of.value.id, State::id_name);
}

/// Of a stored agent.
template <class State>
void refuse_local(const State& of, const char* call) {
    if (of.local) throw error(errc::invalid_argument, std::string(call) + " is not for an agent of the application");
}

template <class State>
asio::awaitable<void> refresh(std::shared_ptr<State> of) {
    const std::string json = co_await service::call(of->service, "GET", path_to(*of));
    of->read(json);
}

template <class State>
asio::awaitable<void> change(std::shared_ptr<State> of, secret changes) {
    const std::string json = co_await service::call(of->service, "POST", path_to(*of), {}, std::move(changes));
    of->read(json);
}

template <class State>
asio::awaitable<void> erase(std::shared_ptr<State> of) {
    std::string path = path_to(*of);
    (void)co_await service::call(of->service, "DELETE", std::move(path));
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
    for (const std::string& item : decoded.items) {
        std::optional<T> made = decode(item);
        if (made) result.items.push_back(std::move(*made));
    }
    // A cursor that does not move would never end.
    if (decoded.next != cursor) result.next = std::move(decoded.next);
    co_return result;
}

/// A listing of `collection`, fetched page by page; `decode` makes a T of an item's JSON, or nothing. `filter`
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

template <class Handle>
paged<Handle> handle_access::list(std::shared_ptr<service> owner, list_options options) {
    auto decode = [owner](const std::string& json) { return make<Handle>(owner, json); };
    std::string collection = Handle::state::collection(*owner);
    return detail::list<Handle>(std::move(owner), std::move(collection), std::move(options), std::move(decode));
}

inline paged<agent> handle_access::list_versions(std::shared_ptr<service> owner, const std::string& id,
                                                 list_options options) {
    auto decode = [owner](const std::string& json) { return make_version(owner, json); };
    std::string collection = agent::state::versions_of(*owner, id);
    return detail::list<agent>(std::move(owner), std::move(collection), std::move(options), std::move(decode));
}

}  // namespace detail
}  // namespace corun
