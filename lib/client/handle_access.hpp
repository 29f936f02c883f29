#pragma once
#include "api/objects.hpp"
#include "stream/stream.hpp"
#include <corun/agent.hpp>
#include <corun/event_stream.hpp>
#include <corun/paged.hpp>
#include <corun/thread.hpp>
#include <corun/vector_store.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace corun::detail {

/// Makes handles, and opens them, inside the library.
struct handle_access {
    /// A handle of what the service has answered.
    template <class Handle>
    static Handle make(std::shared_ptr<api_client> api, std::string_view json) {
        Handle made;
        made.object_ = std::make_shared<typename Handle::object>(std::move(api));
        made.object_->read(json);
        return made;
    }

    static agent make_local(std::shared_ptr<api_client> api, prompt_agent_definition definition) {
        agent made;
        made.object_ = std::make_shared<agent_object>(std::move(api));
        made.object_->local = true;
        made.object_->take(std::move(definition));
        return made;
    }

    static agent make_version(std::shared_ptr<api_client> api, std::string_view json) {
        agent made = make<agent>(std::move(api), json);
        made.object_->is_one_version = true;
        return made;
    }

    static asio::awaitable<agent> get_version(std::shared_ptr<api_client> api, std::string id, std::string version) {
        std::string path = path_of(agent_object::versions_of(*api, id), version, agent_object::version_name);
        const std::string json = co_await api_client::call(api, "GET", std::move(path));
        co_return make_version(std::move(api), json);
    }

    static paged<agent> list_versions(std::shared_ptr<api_client> api, const std::string& id, list_options options);

    template <class Handle>
    static asio::awaitable<Handle> create(std::shared_ptr<api_client> api, secret body) {
        std::string path = Handle::object::collection(*api);
        const std::string json = co_await api_client::call(api, "POST", std::move(path), {}, std::move(body));
        co_return make<Handle>(std::move(api), json);
    }

    template <class Handle>
    static asio::awaitable<Handle> get(std::shared_ptr<api_client> api, std::string id) {
        std::string path = path_of(Handle::object::collection(*api), id, Handle::object::id_name);
        const std::string json = co_await api_client::call(api, "GET", std::move(path));
        co_return make<Handle>(std::move(api), json);
    }

    template <class Handle>
    static paged<Handle> list(std::shared_ptr<api_client> api, list_options options);

    template <class Handle>
    static asio::awaitable<void> remove(std::shared_ptr<api_client> api, std::string id) {
        std::string path = path_of(Handle::object::collection(*api), id, Handle::object::id_name);
        (void)co_await api_client::call(std::move(api), "DELETE", std::move(path));
    }

    static asio::awaitable<event_stream> open_stream(std::shared_ptr<run_context> run,
                                                     std::unique_ptr<run_protocol> protocol, prepared_run request) {
        stream_owner begun = co_await detail::run_stream::open(std::move(run), std::move(protocol), std::move(request));
        co_return event_stream(std::move(begun).release());
    }

    static asio::awaitable<event_stream> resume_stream(std::shared_ptr<run_context> run,
                                                       std::unique_ptr<run_protocol> protocol, submission answers) {
        stream_owner begun =
            co_await detail::run_stream::resume(std::move(run), std::move(protocol), std::move(answers));
        co_return event_stream(std::move(begun).release());
    }

    /// What an error that comes of this stream must not show.
    static const redactor& secrets_of(const event_stream& stream) noexcept { return stream.impl_->secrets(); }

    /// Throws `errc::invalid_argument` for an empty handle.
    template <class Handle>
    static auto open(const Handle& handle, const char* what) {
        if (!handle.object_) throw error(errc::invalid_argument, std::string(what) + " is an empty handle");
        return handle.object_;
    }
};

template <class Handle>
paged<Handle> handle_access::list(std::shared_ptr<api_client> api, list_options options) {
    auto decode = [api](const std::string& json) { return make<Handle>(api, json); };
    std::string collection = Handle::object::collection(*api);
    return detail::list<Handle>(std::move(api), std::move(collection), std::move(options), std::move(decode));
}

inline paged<agent> handle_access::list_versions(std::shared_ptr<api_client> api, const std::string& id,
                                                 list_options options) {
    auto decode = [api](const std::string& json) { return make_version(api, json); };
    std::string collection = agent_object::versions_of(*api, id);
    return detail::list<agent>(std::move(api), std::move(collection), std::move(options), std::move(decode));
}

}  // namespace corun::detail
