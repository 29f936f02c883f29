#include "gateway/opening.hpp"

#include "gateway/position.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace corun::gateway {
namespace {

/// The member of a run's metadata that names the gateway's run. Only the threads protocol lists runs.
constexpr const char* mark = "corun_gateway_run";

bool lists_runs(const agent& runner) {
    return runner.prompt_definition().model.empty();
}

/// The run of a request that was sent by a gateway which has not seen the response.
asio::awaitable<run_position> find_run(client service, agent runner, std::string thread_id, std::string id) {
    client from = std::move(service);
    run_position found;
    if (lists_runs(runner)) {
        agent_thread thread = co_await from.get_thread(std::move(thread_id));
        list_options newest;
        newest.page_size = 20;
        auto runs = thread.list_runs(newest);
        for (int i = 0; i < newest.page_size && found.run_id.empty(); ++i) {
            const auto each = co_await runs.next();
            if (!each) break;
            const auto marked = each->metadata.find(mark);
            if (marked != each->metadata.end() && marked->second == id) found = run_position(each->id, thread.id());
        }
    }
    if (found.run_id.empty()) throw error(errc::run_not_found, "no event had named the run");
    co_return found;
}

/// A conversation begins with 20 items at most (OpenAI, POST /conversations).
constexpr std::size_t most_first_messages = 20;

asio::awaitable<agent_thread> create_thread(client service, std::vector<message> history) {
    client from = std::move(service);
    const std::vector<message> messages = std::move(history);
    const std::size_t first = std::min(messages.size(), most_first_messages);
    thread_definition definition;
    definition.messages.assign(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(first));
    agent_thread thread = co_await from.create_thread(std::move(definition));
    for (std::size_t i = first; i != messages.size(); ++i) (void)co_await thread.add_message(messages[i]);
    co_return thread;
}

}  // namespace

asio::awaitable<event_stream> opening::open(std::shared_ptr<opening> self, std::shared_ptr<owned_run> begun) {
    const std::shared_ptr<opening> kept = std::move(self);
    const std::shared_ptr<owned_run> run = std::move(begun);
    conversation& where = *kept->where;
    // Others may change the conversation meanwhile.
    std::optional<agent_thread> thread = where.thread;
    if (!thread && !where.thread_id.empty()) {
        try {
            agent_thread known = co_await kept->service.get_thread(where.thread_id);
            thread = std::move(known);
        } catch (const error& failure) {
            if (failure.code() != errc::not_found) throw;
        }
    }
    const bool is_new = !thread;
    if (is_new) {
        agent_thread created = co_await create_thread(kept->service, kept->asked.history);
        thread = std::move(created);
    }
    where.thread = thread;
    where.thread_id = thread->id();
    if (is_new && kept->on_thread) co_await kept->on_thread();
    kept->options.mcp_principal = run->user();
    if (!kept->asked.items.empty()) kept->options.input_items = kept->asked.items;
    if (kept->on_thread && lists_runs(kept->runner)) kept->options.metadata[mark] = run->id();
    co_await run->will_be_sent_to(thread->id());
    event_stream stream = co_await kept->runner.run_stream(*thread, kept->asked.text, kept->headers, kept->options);
    co_return stream;
}

asio::awaitable<event_stream> opening::open_again(client service, agent runner, std::shared_ptr<owned_run> recalled,
                                                  mcp_header_source headers, run_options options) {
    const std::shared_ptr<owned_run> run = std::move(recalled);
    agent from = std::move(runner);
    const mcp_header_source source = std::move(headers);
    run_options chosen = std::move(options);
    chosen.mcp_principal = run->user();
    if (run->position().empty()) throw error(errc::run_not_found, "no request for the run had been sent");
    run_position where = position_of(run->position());
    if (where.run_id.empty()) {
        run_position found = co_await find_run(std::move(service), from, where.thread_id, run->id());
        where = std::move(found);
    }
    event_stream stream = co_await from.attach_stream(std::move(where), source, chosen);
    co_return stream;
}

}  // namespace corun::gateway
