#include "stream/threads_find.hpp"

#include "protocol/common.hpp"
#include "protocol/threads/codec.hpp"
#include "stream/threads_ephemeral_agent.hpp"

#include <ctime>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::threads;

bool has_mark(const metadata& pairs, const std::string& mark) {
    const auto found = pairs.find(run_mark);
    return found != pairs.end() && found->second == mark;
}

bool is_lost_run(const lost_creation& lost, const thread_run& seen) {
    const run_context& run = *lost.run;
    if (!run.threads.mark.empty()) return has_mark(seen.metadata, run.threads.mark);
    // A thread has one run at a time: the latest is this one, unless it was there before.
    const std::string known = run.conversation ? run.conversation->latest_run : std::string();
    const std::string& agent = run.threads.copy ? run.threads.copy->id() : run.definition.id;
    // By the service's clock, as its latest response tells it: the one that lists the runs.
    const std::int64_t ahead = run.api->time() - std::time(nullptr);
    return seen.id != lost.former_run && seen.id != known && seen.agent_id == agent && seen.created_at &&
           *seen.created_at >= lost.sent_at + ahead - 1;
}

asio::awaitable<std::string> find_marked_thread(std::shared_ptr<run_context> run, redactor secrets) {
    std::string id;
    const std::string json =
        co_await api_client::call(run->api, "GET", "/threads", "limit=100&order=desc", {}, std::move(secrets));
    for (const std::string& item : codec::decode_page(json).items) {
        const thread_definition seen = wire::decode_thread(item);
        if (has_mark(seen.metadata, run->threads.mark)) id = seen.id;
    }
    co_return id;
}

}  // namespace

asio::awaitable<creation_search> find_threads_run(lost_creation lost, redactor secrets) {
    creation_search search;
    const std::shared_ptr<run_context> run = lost.run;
    std::string thread = run->conversation ? run->conversation->value.id : run->threads.former_thread;
    if (thread.empty()) thread = lost.thread;
    if (thread.empty()) {
        if (run->threads.mark.empty()) co_return search;
        thread = co_await find_marked_thread(run, secrets);
    }
    search.possible = true;
    if (thread.empty()) co_return search;
    std::string path = path_of("/threads", thread, "the thread's id") + "/runs";
    const std::string json =
        co_await api_client::call(run->api, "GET", std::move(path), "limit=5&order=desc", {}, std::move(secrets));
    for (const std::string& item : codec::decode_page(json).items) {
        thread_run seen = wire::decode_run(item);
        if (!is_lost_run(lost, seen)) continue;
        search.run = std::move(seen);
        break;
    }
    co_return search;
}

}  // namespace corun::detail
