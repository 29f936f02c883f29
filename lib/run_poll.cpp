// A run that is not streamed: it is read again and again, and what is new is taken as events.
#include "handle_access.hpp"
#include "run_stream.hpp"
#include "wait.hpp"

#include <algorithm>

namespace corun::detail {
namespace {

/// A run that is polled is asked again after such a time: the longer, the longer nothing happens.
constexpr std::chrono::milliseconds first_poll_delay{250};
constexpr std::chrono::milliseconds longest_poll_delay{2000};
constexpr int most_poll_failures = 3;

/// The JSON of all objects of a listing, oldest first.
asio::awaitable<std::vector<std::string>> read_all(std::shared_ptr<service> owner, std::string path, std::string filter,
                                                   redactor secrets) {
    std::vector<std::string> items;
    std::string cursor;
    do {
        std::string query = "limit=100&order=asc";
        if (!filter.empty()) query += '&' + filter;
        if (!cursor.empty()) query += "&after=" + percent_encoded(cursor);
        const std::string json = co_await service::call(owner, "GET", path, std::move(query), {}, secrets);
        codec::threads::page read = codec::threads::decode_page(json);
        for (std::string& item : read.items) items.push_back(std::move(item));
        cursor = read.next == cursor ? std::string() : std::move(read.next);
    } while (!cursor.empty());
    co_return items;
}

}  // namespace

/// As `send`, for a run that is polled.
asio::awaitable<void> run_stream::send_and_poll(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                                secret body) {
    const std::string json = co_await service::call(self->service_, "POST", std::move(path), std::move(query),
                                                    std::move(body), self->secrets_);
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    self->response_ = response::events;
    self->machine_.response_begins(self->service_->clock->now());
    self->machine_.response_accepted();
    if (self->run_id_.empty()) {
        self->learn_ids("thread.run.created", json);
        if (!self->run_->conversation && self->run_->begun_in.empty()) {
            std::string thread_path = path_of("/threads", self->thread_id_, "the run's thread id");
            const std::string thread_json =
                co_await service::call(self->service_, "GET", std::move(thread_path), {}, {}, self->secrets_);
            self->take_polled("thread.created", thread_json);
        }
        for (const auto& [name, data] : self->replay_.observe(json, {}, {})) self->take_polled(name, data);
    }
    self->begin_work(&run_stream::poll);
    self->watch();
}

/// Reads the run until it has ended or waits for answers, and takes what is new as events. Failures
/// that may pass are looked past, a few in a row.
asio::awaitable<bool> run_stream::poll(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        std::chrono::milliseconds delay = first_poll_delay;
        int failures = 0;
        while (self->machine_.going()) {
            co_await sleep_until(self->service_->clock, self->service_->clock->now() + delay);
            if (self->machine_.paused()) continue;
            std::optional<error> problem;
            std::size_t told = 0;
            try {
                told = co_await poll_once(self);
            } catch (const error& met) {
                if (!is_retryable(met.code()) || ++failures > most_poll_failures) throw;
                problem = met;
            }
            if (!problem) failures = 0;
            delay = told == 0 ? std::min(2 * delay, longest_poll_delay) : first_poll_delay;
            if (problem) delay = std::max(delay, problem->retry_after().value_or(delay));
        }
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!failure)
        self->machine_.response_ended({});
    else if (state.cancelled() == asio::cancellation_type::none)
        self->fail(failure);
    co_return !failure;
}

/// Reads the run once; completes with how many events that gave.
asio::awaitable<std::size_t> run_stream::poll_once(std::shared_ptr<run_stream> self) {
    const std::string path = self->path_of_run();
    const std::string run = co_await service::call(self->service_, "GET", path, {}, {}, self->secrets_);
    std::vector<std::string> steps, messages;
    if (!self->replay_.tells_only_the_end() && codec::threads::decode_run(run).status != run_state::queued) {
        std::string messages_path = path_of("/threads", self->thread_id_, "the run's thread id") + "/messages";
        steps = co_await read_all(self->service_, path + "/steps", include_query(self->run_->given.options.include),
                                  self->secrets_);
        messages = co_await read_all(self->service_, std::move(messages_path),
                                     "run_id=" + percent_encoded(self->run_id_), self->secrets_);
    }
    if (!self->machine_.going()) co_return 0;
    self->machine_.bytes_arrived(self->service_->clock->now());
    const auto events = self->replay_.observe(run, steps, messages);
    for (const auto& [name, data] : events) self->take_polled(name, data);
    co_return events.size();
}

void run_stream::take_polled(std::string_view name, std::string_view data) {
    sse::event shown;
    shown.type = name;
    shown.data = data;
    take(shown);
    machine_.backlog_changed(queue_.bytes(), service_->clock->now());
    wake();
}

}  // namespace corun::detail
