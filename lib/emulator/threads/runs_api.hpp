#pragma once
#include "emulator/http/api_request.hpp"
#include "emulator/http/responder.hpp"
#include "emulator/threads/threads_engine.hpp"

#include <memory>
#include <utility>

namespace corun::emulator {

/// The routes to runs and steps. The handlers throw `api_error`.
class runs_api {
public:
    using responder_ptr = std::shared_ptr<responder>;

    explicit runs_api(std::shared_ptr<threads_engine> engine) : engine_(std::move(engine)) {}

    /// Returns false if there is no route for the request.
    bool serve(const api_request& request, const responder_ptr& responder);

private:
    void create_run(const api_request& request, const responder_ptr& responder);
    void create_thread_and_run(const api_request& request, const responder_ptr& responder);
    void submit(const api_request& request, const responder_ptr& responder);
    /// Starts or resumes a run, and responds with its events or with the run itself.
    void start(const std::shared_ptr<run>& run, bool streaming, responder& responder);

    json list_runs(const api_request& request);
    json get_run(const api_request& request);
    json update_run(const api_request& request);
    json cancel_run(const api_request& request);
    json list_steps(const api_request& request);
    json get_step(const api_request& request);
    [[nodiscard]] std::shared_ptr<run> find_run(const api_request& request);

    std::shared_ptr<threads_engine> engine_;
};

}  // namespace corun::emulator
