#pragma once
#include "api/api_client.hpp"
#include "async/task.hpp"
#include <corun/files.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/run_position.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace corun::detail {

/// An object at the service as it was last received. Its handles share it.
template <class Value>
struct api_object {
    explicit api_object(std::shared_ptr<api_client> client) : api(std::move(client)) {}

    std::shared_ptr<api_client> api;
    Value value;
};

struct agent_object : api_object<agent_definition> {
    using api_object::api_object;

    void read(std::string_view json);
    /// Makes it an agent that lives in the application, which only the Responses protocol has.
    void set_local(prompt_agent_definition definition);
    [[nodiscard]] std::string path() const;

    prompt_agent_definition prompt;  ///< Responses protocol only; `value` is then made of it.
    bool local = false;              ///< Lives in the application.
    bool is_one_version = false;     ///< Of the agent at the service; else its latest, whichever that is.
};

struct thread_object : api_object<thread_definition> {
    using api_object::api_object;

    void read(std::string_view json);
    [[nodiscard]] std::string path() const;
    [[nodiscard]] std::string path_of_messages() const;

    std::string latest_run;                ///< The latest that is known here.
    std::shared_ptr<task<bool>> cleaning;  ///< Cancels a run whose stream has gone: the next has to wait for it.
};

struct vector_store_object : api_object<vector_store_info> {
    using api_object::api_object;

    void read(std::string_view json);
    [[nodiscard]] std::string path() const;
};

// Paths. They throw `errc::invalid_argument` for an id that is empty, and where the endpoint has no such objects.

[[nodiscard]] std::string path_of_agents(const api_client& api);
[[nodiscard]] std::string path_of_agent(const api_client& api, std::string_view id);
[[nodiscard]] std::string path_of_versions(const api_client& api, std::string_view agent_id);
[[nodiscard]] std::string path_of_version(const api_client& api, std::string_view agent_id, std::string_view version);
[[nodiscard]] std::string path_of_threads(const api_client& api);
[[nodiscard]] std::string path_of_thread(const api_client& api, std::string_view id);
[[nodiscard]] std::string path_of_run(const api_client& api, const run_position& run);
[[nodiscard]] std::string path_of_vector_store(std::string_view id);
[[nodiscard]] std::string path_of_file(std::string_view id);

}  // namespace corun::detail
