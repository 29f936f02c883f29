#include "stream/observation.hpp"

#include "text/url.hpp"

#include <asio/error.hpp>

#include <utility>

namespace corun::detail {

run_observation::run_observation(const run_context& run) : wanted_(run.api->notifier.wants(&observer::on_run)) {
    if (!wanted_) return;
    began_ = run.api->clock->now();
    record_.began = std::chrono::system_clock::now();
    record_.agent_id = run.given.agent.id;
    record_.agent_name = run.given.agent.name;
    record_.model = run.given.options.model.value_or(run.given.agent.model);
    if (const auto url = parse_url(run.api->endpoint())) {
        record_.server_address = url->host;
        record_.server_port = port_of(*url);
    }
}

void run_observation::event(const api_client& api, run_protocol& protocol, std::string_view name,
                            std::string_view data) noexcept {
    if (!wanted_) return;
    const auto now = api.clock->now() - began_;
    if (record_.events++ == 0) record_.time_to_first_event = now;
    if (!record_.time_to_first_text && protocol.is_text(name, data)) record_.time_to_first_text = now;
    std::optional<thread_run> run = protocol.run_in(name, data);
    if (!run) return;
    record_.status = run->status;
    if (run->usage) record_.usage = run->usage;
    if (!run->model.empty()) record_.model = std::move(run->model);
    if (run->last_error) record_.service_code = std::move(run->last_error->code);
}

void run_observation::end(const api_client& api, std::error_code failure, const redactor& secrets,
                          std::string_view run_id, std::string_view thread_id) noexcept {
    if (!std::exchange(wanted_, false)) return;
    record_.error =
        failure == asio::error::operation_aborted ? std::make_error_code(std::errc::operation_canceled) : failure;
    record_.duration = api.clock->now() - began_;
    try {
        record_.run_id = secrets.redacted(run_id);
        record_.thread_id = secrets.redacted(thread_id);
        for (std::string* said : {&record_.model, &record_.service_code}) *said = secrets.redacted(*said);
    } catch (...) {
        return;
    }
    api.notifier.tell(&observer::on_run, std::move(record_));
}

void run_observation::submit_begins(const api_client& api, const submission& answers) noexcept {
    if (!api.notifier.wants(&observer::on_submit)) return;
    round_began_ = api.clock->now();
    round_.began = std::chrono::system_clock::now();
    ++round_.round;
    round_.outputs = answers.outputs().size();
    round_.approved = round_.denied = 0;
    for (const tool_approval& approval : answers.approvals()) ++(approval.approve ? round_.approved : round_.denied);
}

void run_observation::submit_ended(const api_client& api, std::error_code failure, std::string_view run_id,
                                   std::string_view thread_id) noexcept {
    if (!api.notifier.wants(&observer::on_submit)) return;
    try {
        submit_record told = round_;
        told.duration = api.clock->now() - round_began_;
        told.error = failure;
        told.run_id = run_id;
        told.thread_id = thread_id;
        api.notifier.tell(&observer::on_submit, std::move(told));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

}  // namespace corun::detail
