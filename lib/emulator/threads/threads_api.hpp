#pragma once
#include "emulator/http/api_request.hpp"
#include "emulator/threads/threads_engine.hpp"
#include "emulator/threads/threads_schema.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace corun::emulator {

/// The routes to agents, threads and messages. The handlers throw `api_error`.
class threads_api {
public:
    explicit threads_api(std::shared_ptr<threads_engine> engine) : engine_(std::move(engine)) {}

    /// The response body, or nothing if there is no route for the request.
    std::optional<json> serve(const api_request& request);

private:
    json create_agent(const api_request& request);
    json list_agents(const api_request& request);
    json get_agent(const api_request& request);
    json update_agent(const api_request& request);
    json delete_agent(const api_request& request);

    json create_thread(const api_request& request);
    json list_threads(const api_request& request);
    json get_thread(const api_request& request);
    json update_thread(const api_request& request);
    json delete_thread(const api_request& request);

    json create_message(const api_request& request);
    json list_messages(const api_request& request);
    json get_message(const api_request& request);
    json update_message(const api_request& request);
    json delete_message(const api_request& request);

    std::shared_ptr<threads_engine> engine_;
};

/// Throws `api_error` when the api-version of the request is not supported.
void check_api_version(const api_request& request);
/// The bodies of the api-version of the request.
const schema::request_bodies& bodies_for(const api_request& request);
/// The thread whose id is in the path. Its runs expire if their time is over; reading below it may let them go on.
std::shared_ptr<thread> find_thread(threads_engine& engine, const api_request& request);

}  // namespace corun::emulator
