#include "c/event_json.hpp"
#include "c/json_request.hpp"
#include "c/last_failure.hpp"
#include "c/worker.hpp"
#include <corun/corun.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <corun.h>

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

using namespace corun::c;

namespace {

/// The token that requests are sent with.
class current_token {
public:
    explicit current_token(corun::secret first) : token_(std::move(first)) {}

    void set(corun::secret next) {
        const std::lock_guard lock(mutex_);
        token_ = std::move(next);
    }
    [[nodiscard]] corun::secret get() {
        const std::lock_guard lock(mutex_);
        return token_;
    }

private:
    std::mutex mutex_;
    corun::secret token_;
};

const char* require(const char* text, const char* name) {
    if (!text) throw corun::error(corun::errc::invalid_argument, std::string(name) + " is NULL");
    return text;
}

}  // namespace

struct corun_client {
    corun_client(const char* endpoint, const char* first_token, client_request request) {
        corun::credential credential;
        if (!first_token) {
            credential = corun::default_credential(thread->get_executor());
        } else if (request.is_api_key) {
            credential = corun::credential::api_key(first_token);
        } else {
            token = std::make_shared<current_token>(first_token);
            credential = corun::credential::callback([source = token] { return source->get(); });
        }
        client.emplace(thread->get_executor(), endpoint, std::move(credential), std::move(request.options));
    }
    corun_client(const corun_client&) = delete;
    corun_client& operator=(const corun_client&) = delete;
    ~corun_client() {
        if (client) thread->wait(drop());
    }

    std::shared_ptr<worker> thread = std::make_shared<worker>();
    std::shared_ptr<current_token> token;
    std::optional<corun::client> client;

private:
    asio::awaitable<void> drop() {
        client.reset();
        co_return;
    }
};

struct corun_run {
    explicit corun_run(const corun_client& client) : thread(client.thread), idle_again_(thread->get_executor()) {
        idle_again_.expires_at(asio::steady_timer::time_point::max());
    }
    corun_run(const corun_run&) = delete;
    corun_run& operator=(const corun_run&) = delete;
    ~corun_run() { thread->wait(drop()); }

    // The following use the stream, in its own thread.

    asio::awaitable<void> start(corun::client client, run_request request) {
        begin(open(std::move(client), std::move(request)));
        co_return;
    }

    asio::awaitable<void> answer(corun::submission answers) {
        begin(send(std::move(answers)));
        co_return;
    }

    /// Completes with an event, or with the reason why there is none.
    asio::awaitable<int> next(int timeout_ms, std::optional<corun::event>* arrived) {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer limit(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        if (timeout_ms >= 0) limit.expires_after(std::chrono::milliseconds(timeout_ms));
        if (!idle_) co_await (idle() || limit.async_wait(asio::use_awaitable));
        if (!idle_) co_return CORUN_TIMED_OUT;
        if (failure_) {
            const std::exception_ptr failure = failure_;
            if (stream_) failure_ = nullptr;  // of answers
            std::rethrow_exception(failure);
        }
        *arrived = stream_.try_next();
        if (!*arrived) {
            std::error_code failure;
            auto first = co_await (stream_.next(failure) || limit.async_wait(asio::use_awaitable));
            if (first.index() == 1) co_return CORUN_TIMED_OUT;
            if (failure) throw corun::error(failure, stream_.details());
            *arrived = std::get<0>(std::move(first));
        }
        if (*arrived) {
            result_.apply(**arrived);
            co_return CORUN_EVENT;
        }
        co_return stream_.waits_for_answers() ? CORUN_WAITS : CORUN_ENDED;
    }

    asio::awaitable<void> cancel() {
        co_await idle();
        if (failure_ && !stream_) std::rethrow_exception(failure_);
        co_await stream_.cancel_run();
    }

    asio::awaitable<std::string> result() {
        const corun::run_position position = stream_ ? stream_.position() : corun::run_position();
        co_return json_of(result_, position);
    }

    const std::shared_ptr<worker> thread;
    std::string text;  ///< What the last call has returned.
    std::mutex one_at_a_time;

private:
    asio::awaitable<void> open(corun::client client, run_request request) {
        corun::agent agent;
        if (auto* definition = std::get_if<corun::prompt_agent_definition>(&request.agent))
            agent = client.local_agent(std::move(*definition));
        else
            agent = co_await client.get_agent(std::get<std::string>(request.agent));

        if (request.position) {
            stream_ = co_await agent.attach_stream(*request.position, request.headers, request.options);
        } else if (request.thread.empty()) {
            stream_ = co_await agent.run_stream(request.message, request.headers, request.options);
        } else {
            corun::agent_thread conversation = co_await client.get_thread(request.thread);
            stream_ = co_await agent.run_stream(conversation, request.message, request.headers, request.options);
        }
    }

    asio::awaitable<void> send(corun::submission answers) { co_await stream_.submit(std::move(answers)); }

    /// Runs an operation in the background; `next` waits for it, and reports its failure.
    void begin(asio::awaitable<void> operation) {
        idle_ = false;
        asio::co_spawn(thread->get_executor(), std::move(operation),
                       asio::bind_cancellation_slot(cancel_.slot(), [this](const std::exception_ptr& failure) {
                           failure_ = failure;
                           idle_ = true;
                           idle_again_.cancel();
                       }));
    }

    /// Completes when no operation is in progress.
    asio::awaitable<void> idle() {
        std::error_code ignored;
        if (!idle_) co_await idle_again_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    asio::awaitable<void> drop() {
        cancel_.emit(asio::cancellation_type::total);
        co_await idle();
        stream_ = corun::event_stream();
    }

    corun::event_stream stream_;
    corun::run_result result_;
    bool idle_ = true;
    std::exception_ptr failure_;
    asio::steady_timer idle_again_;
    asio::cancellation_signal cancel_;
};

const char* corun_version() {
    return CORUN_VERSION;
}

const char* corun_error_name() {
    return last_failure().name.c_str();
}

const char* corun_error_message() {
    return last_failure().message.c_str();
}

corun_client* corun_client_new(const char* endpoint, const char* token, const char* options) {
    return guarded<corun_client*>(nullptr, [&] {
        return new corun_client(require(endpoint, "endpoint"), token, read_client(options ? options : "{}"));
    });
}

int corun_client_set_token(corun_client* client, const char* token) {
    return guarded<int>(CORUN_FAILED, [&] {
        if (!client->token)
            throw corun::error(corun::errc::invalid_argument, "the client was created without a bearer token");
        client->token->set(require(token, "token"));
        return 0;
    });
}

void corun_client_free(corun_client* client) {
    delete client;
}

corun_run* corun_run_start(corun_client* client, const char* request) {
    return guarded<corun_run*>(nullptr, [&] {
        auto run = std::make_unique<corun_run>(*client);
        run->thread->wait(run->start(*client->client, read_run(require(request, "request"))));
        return run.release();
    });
}

int corun_run_next(corun_run* run, int timeout_ms, const char** event) {
    const std::lock_guard lock(run->one_at_a_time);
    const int outcome = guarded<int>(CORUN_FAILED, [&] {
        std::optional<corun::event> arrived;
        const int reason = run->thread->wait(run->next(timeout_ms, &arrived));
        if (arrived) run->text = json_of(*arrived);
        return reason;
    });
    if (outcome == CORUN_FAILED) run->text = json_of(last_failure());
    if (outcome == CORUN_FAILED || outcome == CORUN_EVENT) *event = run->text.c_str();
    return outcome;
}

int corun_run_answer(corun_run* run, const char* answers) {
    return guarded<int>(CORUN_FAILED, [&] {
        const std::lock_guard lock(run->one_at_a_time);
        run->thread->wait(run->answer(read_answers(require(answers, "answers"))));
        return 0;
    });
}

int corun_run_cancel(corun_run* run) {
    return guarded<int>(CORUN_FAILED, [&] {
        run->thread->wait(run->cancel());
        return 0;
    });
}

const char* corun_run_result(corun_run* run) {
    return guarded<const char*>(nullptr, [&] {
        const std::lock_guard lock(run->one_at_a_time);
        run->text = run->thread->wait(run->result());
        return run->text.c_str();
    });
}

void corun_run_free(corun_run* run) {
    delete run;
}
