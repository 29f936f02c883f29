#include "stream/observation.hpp"

#include "redact/body_redactor.hpp"
#include "text/url.hpp"

#include <asio/error.hpp>

#include <utility>

namespace corun::detail {
namespace {

/// What the records of functions and approvals share.
template <class Record, class Event>
Record record_of(const Event& done, std::chrono::system_clock::time_point began, const redactor& secrets,
                 const run_identity& run, const std::string& tag) {
    Record record;
    record.tag = tag;
    record.run_id = secrets.redacted(run.run_id);
    record.thread_id = secrets.redacted(run.thread_id);
    record.call_id = secrets.redacted(done.call_id);
    record.name = secrets.redacted(done.name);
    record.arguments = redacted_text(done.arguments, secrets);
    if (done.error) record.error = redacted_text(*done.error, secrets);
    record.began = began;
    record.duration = done.duration;
    return record;
}

}  // namespace

run_observation::run_observation(const run_context& run) : wanted_(run.api->notifier.wants(&observer::on_run)) {
    reattach_.attempt = 0;
    reattach_.tag = submit_.tag = record_.tag = run.options.tag;
    if (!wanted_) return;
    began_ = run.api->clock->now();
    record_.began = std::chrono::system_clock::now();
    record_.agent_id = run.definition.id;
    record_.agent_name = run.definition.name;
    record_.model = run.options.model.value_or(run.definition.model);
    if (const auto url = parse_url(run.api->endpoint())) {
        record_.server_address = url->host;
        record_.server_port = port_of(*url);
    }
}

void run_observation::event(const api_client& api, run_protocol& protocol, std::string_view name,
                            std::string_view data) noexcept {
    if (!wanted_) return;
    const auto elapsed = api.clock->now() - began_;
    if (record_.events++ == 0) record_.time_to_first_event = elapsed;
    event_facts facts = protocol.inspect(name, data);
    if (!record_.time_to_first_text && facts.is_text) record_.time_to_first_text = elapsed;
    if (!facts.run) return;
    record_.status = facts.run->status;
    if (facts.run->usage) record_.usage = facts.run->usage;
    if (!facts.run->model.empty()) record_.model = std::move(facts.run->model);
    if (facts.run->last_error) record_.service_code = std::move(facts.run->last_error->code);
}

void run_observation::end(const api_client& api, std::error_code failure, const redactor& secrets,
                          const run_identity& run) noexcept {
    if (!std::exchange(wanted_, false)) return;
    record_.error =
        failure == asio::error::operation_aborted ? std::make_error_code(std::errc::operation_canceled) : failure;
    record_.duration = api.clock->now() - began_;
    try {
        record_.run_id = secrets.redacted(run.run_id);
        record_.thread_id = secrets.redacted(run.thread_id);
        for (std::string* text : {&record_.model, &record_.service_code}) *text = secrets.redacted(*text);
    } catch (...) {
        return;
    }
    api.notifier.notify(&observer::on_run, std::move(record_));
}

void run_observation::event_problem(const api_client& api, const corun::event& malformed, const redactor& secrets,
                                    const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_event_problem)) return;
    try {
        event_problem_record record;
        record.tag = record_.tag;
        record.run_id = secrets.redacted(run.run_id);
        record.thread_id = secrets.redacted(run.thread_id);
        record.event = secrets.redacted(malformed.name());
        record.problem = secrets.redacted(malformed.problem());
        record.bytes = malformed.raw().size();
        api.notifier.notify(&observer::on_event_problem, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_observation::submit_begins(const api_client& api, const submission& answers) noexcept {
    if (!api.notifier.wants(&observer::on_submit)) return;
    submit_began_ = api.clock->now();
    submit_.began = std::chrono::system_clock::now();
    ++submit_.round;
    submit_.outputs = answers.outputs().size();
    submit_.approved = submit_.denied = 0;
    for (const tool_approval& approval : answers.approvals()) ++(approval.approve ? submit_.approved : submit_.denied);
}

void run_observation::submit_ended(const api_client& api, std::error_code failure, const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_submit)) return;
    try {
        submit_record record = submit_;
        record.duration = api.clock->now() - submit_began_;
        record.error = failure;
        record.run_id = run.run_id;
        record.thread_id = run.thread_id;
        api.notifier.notify(&observer::on_submit, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_observation::function_called(const api_client& api, const events::function_called& done,
                                      std::chrono::system_clock::time_point began, const redactor& secrets,
                                      const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_function_call)) return;
    try {
        auto record = record_of<function_call_record>(done, began, secrets, run, submit_.tag);
        record.output = redacted_text(done.output, secrets);
        api.notifier.notify(&observer::on_function_call, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_observation::approval_decided(const api_client& api, const events::approval_decided& done,
                                       std::chrono::system_clock::time_point began, const redactor& secrets,
                                       const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_approval)) return;
    try {
        auto record = record_of<approval_record>(done, began, secrets, run, submit_.tag);
        record.server_label = secrets.redacted(done.server_label);
        record.approved = done.approved;
        api.notifier.notify(&observer::on_approval, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_observation::lost(const api_client& api, std::error_code cause, std::uint64_t events,
                           std::uint64_t bytes) noexcept {
    reattach_.why = cause;
    ++reattach_.attempt;
    reattach_.events = events;
    reattach_.bytes = bytes;
    reattach_.began = std::chrono::system_clock::now();
    lost_at_ = api.clock->now();
}

void run_observation::reattach_ended(const api_client& api, std::error_code failure, const redactor& secrets,
                                     const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_reattach)) return;
    try {
        reattach_record record = reattach_;
        record.run_id = secrets.redacted(run.run_id);
        record.thread_id = secrets.redacted(run.thread_id);
        record.duration = api.clock->now() - lost_at_;
        record.error = failure;
        api.notifier.notify(&observer::on_reattach, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

}  // namespace corun::detail
