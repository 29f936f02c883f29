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

/// The JSON of all objects of a listing, oldest first.
asio::awaitable<std::vector<std::string>> read_all(std::shared_ptr<service> owner, std::string path,
                                                   std::string filter) {
    std::vector<std::string> items;
    std::string cursor;
    do {
        std::string query = "limit=100&order=asc";
        if (!filter.empty()) query += '&' + filter;
        if (!cursor.empty()) query += "&after=" + percent_encoded(cursor);
        const std::string json = co_await service::call(owner, "GET", path, std::move(query));
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
            const std::string thread_json = co_await service::call(self->service_, "GET", std::move(thread_path));
            self->take_polled("thread.created", thread_json);
        }
        for (const auto& [name, data] : self->replay_.observe(json, {}, {})) self->take_polled(name, data);
    }
    self->begin_work(&run_stream::poll);
    self->watch();
}

/// Reads the run until it has ended or waits for answers, and takes what is new as events.
asio::awaitable<bool> run_stream::poll(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        const std::string path = self->path_of_run();
        const std::string messages_path = path_of("/threads", self->thread_id_, "the run's thread id") + "/messages";
        const std::string of_run = "run_id=" + percent_encoded(self->run_id_);
        const std::string included = include_query(self->run_->given.options.include);
        std::chrono::milliseconds delay = first_poll_delay;
        while (self->machine_.going()) {
            co_await sleep_until(self->service_->clock, self->service_->clock->now() + delay);
            if (self->machine_.paused()) continue;
            const std::string run = co_await service::call(self->service_, "GET", path, {}, {}, self->secrets_);
            std::vector<std::string> steps, messages;
            if (codec::threads::decode_run(run).status != run_state::queued) {
                steps = co_await read_all(self->service_, path + "/steps", included);
                messages = co_await read_all(self->service_, messages_path, of_run);
            }
            if (!self->machine_.going()) break;
            const auto events = self->replay_.observe(run, steps, messages);
            for (const auto& [name, data] : events) self->take_polled(name, data);
            delay = events.empty() ? std::min(2 * delay, longest_poll_delay) : first_poll_delay;
        }
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure)
        self->fail(failure);
    else
        self->machine_.response_ended({});
    co_return !failure;
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
