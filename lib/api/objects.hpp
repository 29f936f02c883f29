#pragma once
#include "api/api_client.hpp"
#include "api/listing.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/files.hpp"
#include <corun/files.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::detail {

/// An object at the service, as last received. Its handles share it.
template <class Value>
struct api_object {
    explicit api_object(std::shared_ptr<api_client> client) : api(std::move(client)) {}
    std::shared_ptr<api_client> api;
    Value value;
};

// Each with the path of its collection, the name of its id, and the meaning of its JSON.

struct agent_object : api_object<agent_definition> {
    using api_object::api_object;
    prompt_agent_definition prompt;  ///< In the Responses protocol, which `value` is made of.
    bool local = false;              ///< Lives in the application.
    bool is_one_version = false;     ///< Of the agent at the service; else the latest, whichever that is.
    static constexpr const char* id_name = "the agent's id";
    static constexpr const char* version_name = "the agent's version";
    /// Throws where there is none.
    static std::string collection(const api_client& of) {
        if (!of.speaks_responses()) return "/assistants";
        if (of.is_openai())
            throw error(errc::invalid_argument,
                        "an endpoint that ends in /v1 stores no agents; use client::local_agent");
        return "/agents";
    }
    static std::string versions_of(const api_client& of, std::string_view id) {
        return path_of(collection(of), id, id_name) + "/versions";
    }
    void read(std::string_view json) {
        if (!api->speaks_responses())
            value = codec::threads::decode_agent(json);
        else
            take(codec::responses::decode_agent(json));
    }
    void take(prompt_agent_definition what) {
        prompt = std::move(what);
        value = codec::responses::to_classic(prompt);
    }
};

struct thread_object : api_object<thread_definition> {
    using api_object::api_object;
    std::string latest_run;  ///< That is known here.
    static constexpr const char* id_name = "the thread's id";
    static std::string collection(const api_client& of) {
        return of.speaks_responses() ? of.openai_path() + "/conversations" : "/threads";
    }
    void read(std::string_view json) {
        value =
            api->speaks_responses() ? codec::responses::decode_conversation(json) : codec::threads::decode_thread(json);
    }
};

struct vector_store_object : api_object<vector_store_info> {
    using api_object::api_object;
    static constexpr const char* id_name = "the vector store's id";
    static std::string collection(const api_client&) { return "/vector_stores"; }
    void read(std::string_view json) { value = codec::threads::decode_vector_store(json); }
};

// What can be done with every object.

template <class State>
std::string path_to(const State& of) {
    if constexpr (requires { of.is_one_version; })
        if (of.is_one_version)
            return path_of(State::versions_of(*of.api, of.value.id), of.prompt.version, State::version_name);
    return path_of(State::collection(*of.api), of.value.id, State::id_name);
}

/// Of a stored agent.
template <class State>
void refuse_local(const State& of, const char* call) {
    if (of.local) throw error(errc::invalid_argument, std::string(call) + " is not for an agent of the application");
}

template <class State>
asio::awaitable<void> refresh(std::shared_ptr<State> of) {
    const std::string json = co_await api_client::call(of->api, "GET", path_to(*of));
    of->read(json);
}

template <class State>
asio::awaitable<void> change(std::shared_ptr<State> of, secret changes) {
    const std::string json = co_await api_client::call(of->api, "POST", path_to(*of), {}, std::move(changes));
    of->read(json);
}

template <class State>
asio::awaitable<void> erase(std::shared_ptr<State> of) {
    std::string path = path_to(*of);
    (void)co_await api_client::call(of->api, "DELETE", std::move(path));
}

}  // namespace corun::detail
