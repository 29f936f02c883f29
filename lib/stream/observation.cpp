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

run_observation::run_observation(const run_context& run) {
    const notifier& observers = run.api->notifier;
    if (!observers) return;
    records_ = std::make_unique<records>();
    records_->reattach.attempt = 0;
    records_->reattach.tag = records_->submit.tag = records_->run.tag = run.options->tag;
    records_->run_wanted = observers.wants(&observer::on_run);
    if (!records_->run_wanted) return;
    records_->began = run.api->clock->now();
    records_->run.began = std::chrono::system_clock::now();
    records_->run.agent_id = run.definition.id;
    records_->run.agent_name = run.definition.name;
    records_->run.model = run.options->model.value_or(run.definition.model);
    if (const auto url = parse_url(run.api->endpoint())) {
        records_->run.server_address = url->host;
        records_->run.server_port = port_of(*url);
    }
}

void run_observation::event(const api_client& api, run_protocol& protocol, std::string_view name,
                            std::string_view data) noexcept {
    if (!records_ || !records_->run_wanted) return;
    const auto elapsed = api.clock->now() - records_->began;
    if (records_->run.events++ == 0) records_->run.time_to_first_event = elapsed;
    event_facts facts = protocol.inspect(name, data);
    if (!records_->run.time_to_first_text && facts.is_text) records_->run.time_to_first_text = elapsed;
    if (!facts.run) return;
    records_->run.status = facts.run->status;
    if (facts.run->usage) records_->run.usage = facts.run->usage;
    if (!facts.run->model.empty()) records_->run.model = std::move(facts.run->model);
    if (facts.run->last_error) records_->run.service_code = std::move(facts.run->last_error->code);
}

void run_observation::end(const api_client& api, std::error_code failure, const redactor& secrets,
                          const run_identity& run) noexcept {
    if (!records_ || !std::exchange(records_->run_wanted, false)) return;
    records_->run.error =
        failure == asio::error::operation_aborted ? std::make_error_code(std::errc::operation_canceled) : failure;
    records_->run.duration = api.clock->now() - records_->began;
    try {
        records_->run.run_id = secrets.redacted(run.run_id);
        records_->run.thread_id = secrets.redacted(run.thread_id);
        for (std::string* text : {&records_->run.model, &records_->run.service_code}) *text = secrets.redacted(*text);
    } catch (...) {
        return;
    }
    api.notifier.notify(&observer::on_run, std::move(records_->run));
}

void run_observation::event_problem(const api_client& api, const corun::event& malformed, const redactor& secrets,
                                    const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_event_problem)) return;
    try {
        event_problem_record record;
        record.tag = records_->submit.tag;
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
    records_->submit_began = api.clock->now();
    records_->submit.began = std::chrono::system_clock::now();
    ++records_->submit.round;
    records_->submit.outputs = answers.outputs().size();
    records_->submit.approved = records_->submit.denied = 0;
    for (const tool_approval& approval : answers.approvals())
        ++(approval.approve ? records_->submit.approved : records_->submit.denied);
}

void run_observation::submit_ended(const api_client& api, std::error_code failure, const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_submit)) return;
    try {
        submit_record record = records_->submit;
        record.duration = api.clock->now() - records_->submit_began;
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
        auto record = record_of<function_call_record>(done, began, secrets, run, records_->submit.tag);
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
        auto record = record_of<approval_record>(done, began, secrets, run, records_->submit.tag);
        record.server_label = secrets.redacted(done.server_label);
        record.approved = done.approved;
        api.notifier.notify(&observer::on_approval, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_observation::lost(const api_client& api, std::error_code cause, std::uint64_t events,
                           std::uint64_t bytes) noexcept {
    if (!records_) return;
    records_->reattach.why = cause;
    ++records_->reattach.attempt;
    records_->reattach.events = events;
    records_->reattach.bytes = bytes;
    records_->reattach.began = std::chrono::system_clock::now();
    records_->lost_at = api.clock->now();
}

void run_observation::reattach_ended(const api_client& api, std::error_code failure, const redactor& secrets,
                                     const run_identity& run) noexcept {
    if (!api.notifier.wants(&observer::on_reattach)) return;
    try {
        reattach_record record = records_->reattach;
        record.run_id = secrets.redacted(run.run_id);
        record.thread_id = secrets.redacted(run.thread_id);
        record.duration = api.clock->now() - records_->lost_at;
        record.error = failure;
        api.notifier.notify(&observer::on_reattach, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

}  // namespace corun::detail
