// Copies of agents exist in the threads protocol alone.
#include "stream/threads_ephemeral_agent.hpp"

#include "async/task.hpp"
#include "async/wait.hpp"
#include "protocol/common.hpp"
#include "protocol/threads/codec.hpp"
#include "text/random.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::threads;

/// The metadata that tells a copy made by this library, with a value of its own for each.
constexpr const char* ephemeral_mark = "corun_ephemeral";

/// With delays that grow fourfold: the last comes a little over 20 seconds, or 85, after the first.
constexpr int delete_attempts = 4;
constexpr std::chrono::milliseconds first_retry_delay = std::chrono::seconds(1);

asio::awaitable<bool> delete_agent(std::shared_ptr<api_client> api, std::string id) {
    const std::string path = path_of("/assistants", id, "the agent's id");
    std::chrono::milliseconds delay = first_retry_delay;
    for (int attempt = 1;; ++attempt, delay *= 4) {
        std::optional<error> failure;
        try {
            (void)co_await api_client::call(api, "DELETE", path);
        } catch (const error& problem) {
            failure = problem;
        }
        if (!failure || failure->code() == errc::not_found) co_return true;
        if (attempt == delete_attempts || !is_retryable(failure->code())) co_return false;
        const auto pause = std::max(delay, failure->retry_after().value_or(delay));
        co_await sleep_until(api->clock, api->clock->now() + pause);
    }
}

asio::awaitable<std::string> find_marked(std::shared_ptr<api_client> api, std::string mark) {
    std::string id;
    const std::string json = co_await api_client::call(api, "GET", "/assistants", "limit=100&order=desc");
    for (const std::string& item : codec::decode_page(json).items) {
        const agent_definition found = wire::decode_agent(item);
        const auto value = found.metadata.find(ephemeral_mark);
        if (value != found.metadata.end() && value->second == mark) id = found.id;
    }
    co_return id;
}

/// The request may have been carried out though no answer came, or may still be: looks for what it
/// made, now and a few times later.
asio::awaitable<bool> delete_marked(std::shared_ptr<api_client> api, std::string mark) {
    std::string id;
    std::chrono::milliseconds delay = first_retry_delay;
    for (int attempt = 1; attempt <= delete_attempts; ++attempt, delay *= 4) {
        bool failed = false;
        try {
            id = co_await find_marked(api, mark);
        } catch (const error&) {
            failed = true;
        }
        if (!failed && !id.empty()) co_return co_await delete_agent(std::move(api), std::move(id));
        if (attempt < delete_attempts) co_await sleep_until(api->clock, api->clock->now() + delay);
    }
    co_return false;
}

/// Nobody waits for it, and nobody can be told: a copy that stays bears `ephemeral_mark`.
template <class T>
void in_background(const asio::any_io_executor& executor, asio::awaitable<T> work) noexcept {
    try {
        (void)task<T>::start(executor, std::move(work));
    } catch (...) {
    }
}

asio::awaitable<std::shared_ptr<ephemeral_agent>> create_copy(std::shared_ptr<api_client> api, secret body,
                                                              std::string mark) {
    std::shared_ptr<ephemeral_agent> made;
    std::exception_ptr failure;
    try {
        const std::string json = co_await api_client::call(api, "POST", "/assistants", {}, std::move(body));
        made = std::make_shared<ephemeral_agent>(api, wire::decode_agent(json).id);
    } catch (const error& problem) {
        failure = std::current_exception();
        const bool refused = problem.status() >= 400 && problem.status() < 500;
        if (!refused) in_background(api->executor, delete_marked(api, std::move(mark)));
    }
    if (failure) std::rethrow_exception(failure);
    co_return made;
}

}  // namespace

ephemeral_agent::ephemeral_agent(std::shared_ptr<api_client> api, std::string id)
    : api_(std::move(api)), id_(std::move(id)) {}

ephemeral_agent::~ephemeral_agent() {
    const asio::any_io_executor executor = api_->executor;
    in_background(executor, delete_agent(std::move(api_), std::move(id_)));
}

asio::awaitable<std::shared_ptr<ephemeral_agent>> ephemeral_agent::create(std::shared_ptr<api_client> api,
                                                                          agent_definition definition) {
    std::string mark = random_uuid();
    // The service takes no more than 16 pairs; the copy can spare one.
    while (definition.metadata.size() >= 16) definition.metadata.erase(std::prev(definition.metadata.end()));
    definition.metadata[ephemeral_mark] = mark;
    secret body = wire::encode_agent(definition);
    auto creation = task<std::shared_ptr<ephemeral_agent>>::start(api->executor,
                                                                  create_copy(api, std::move(body), std::move(mark)));
    co_return co_await task<std::shared_ptr<ephemeral_agent>>::outcome_of_shielded(std::move(creation));
}

}  // namespace corun::detail
