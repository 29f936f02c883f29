#pragma once
#include "api/api_objects.hpp"
#include "stream/stream.hpp"
#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>
#include <corun/event_stream.hpp>
#include <corun/vector_store.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace corun::detail {

/// Makes and opens handles inside the library.
struct handle_access {
    /// A handle of the object that the service answered with.
    template <class Handle>
    static Handle make(std::shared_ptr<api_client> api, std::string_view json) {
        Handle handle;
        handle.object_ = std::make_shared<typename Handle::object>(std::move(api));
        handle.object_->read(json);
        return handle;
    }

    static agent make_version(std::shared_ptr<api_client> api, std::string_view json) {
        agent handle = make<agent>(std::move(api), json);
        handle.object_->is_one_version = true;
        return handle;
    }

    static agent make_local(std::shared_ptr<api_client> api, prompt_agent_definition definition) {
        agent handle;
        handle.object_ = std::make_shared<agent_object>(std::move(api));
        handle.object_->set_local(std::move(definition));
        return handle;
    }

    /// Throws `errc::invalid_argument` for an empty handle. `handle_name` is "the agent" or the like.
    template <class Handle>
    static auto open(const Handle& handle, const char* handle_name) {
        if (!handle.object_) throw error(errc::invalid_argument, std::string(handle_name) + " is an empty handle");
        return handle.object_;
    }

    static event_stream make_stream(stream_owner stream) { return event_stream(std::move(stream).release()); }

    /// The secrets that an error about this stream must not show.
    static const redactor& secrets_of(const event_stream& stream) noexcept { return stream.impl_->secrets(); }
};

}  // namespace corun::detail
