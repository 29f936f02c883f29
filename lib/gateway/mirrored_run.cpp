#include "gateway/mirrored_run.hpp"

#include "gateway/commands.hpp"
#include "gateway/viewer.hpp"

#include <asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace corun::gateway {
namespace {

/// What a run waits for, as far as those who answer need it: the ids.
required_action action_of(const json& waiting) {
    required_action action;
    for (const json& id : member(waiting, "calls")) {
        function_call call;
        call.id = id.get<std::string>();
        action.function_calls.push_back(std::move(call));
    }
    for (const json& id : member(waiting, "approvals")) {
        mcp_approval_request approval;
        approval.id = id.get<std::string>();
        action.mcp_approvals.push_back(std::move(approval));
    }
    return action;
}

}  // namespace

mirrored_run::mirrored_run(asio::any_io_executor executor, run_identity identity, std::shared_ptr<redis::store> where,
                           ask_owner ask)
    : run(executor, std::move(identity)),
      executor_(std::move(executor)),
      store_(std::move(where)),
      ask_(std::move(ask)) {}

mirrored_run::~mirrored_run() {
    if (following_) store_->ignore(id());
}

run::state mirrored_run::current() const noexcept {
    if (log().is_complete()) return state::ended;
    return log().waits() ? state::waiting : state::running;
}

bool mirrored_run::add(redis::stored_log more) {
    const state before = current();
    if (more.is_removed) {
        broken_ = true;
        return false;
    }
    for (log_batch& each : more.batches) {
        owner_ = each.writer;
        read_ = each.id;
        if (each.entries.empty()) continue;
        if (each.first() != log().size() + 1) {
            broken_ = true;
            return false;
        }
        for (const entry& one : each.entries) {
            if (one.kind == entry_kind::run_waiting) pending_ = action_of(one.detail);
            if (one.kind == entry_kind::run_resumed) pending_ = {};
        }
        log().append(std::move(each.entries), each.id.epoch);
    }
    if (current() != before) note_change();
    return true;
}

void mirrored_run::follow() {
    if (std::exchange(following_, true)) return;
    std::weak_ptr<run> weak = weak_from_this();
    store_->listen(id(), [weak] {
        if (const auto self = weak.lock()) static_cast<mirrored_run&>(*self).refresh();
    });
}

void mirrored_run::refresh() {
    if (broken_ || log().is_complete()) return;
    again_ = true;
    if (std::exchange(reading_, true)) return;
    asio::co_spawn(executor_, read_more(std::static_pointer_cast<mirrored_run>(shared_from_this())),
                   [](std::exception_ptr) {
                       // `read_more` catches everything.
                   });
}

asio::awaitable<void> mirrored_run::read_more(std::shared_ptr<mirrored_run> self) {
    const auto kept = std::move(self);
    try {
        while (std::exchange(kept->again_, false)) {
            redis::stored_log more = co_await kept->store_->logs().read(kept->id(), kept->read_);
            if (kept->add(std::move(more))) continue;
            // Redis has lost what viewers have seen, or the run was removed: they come back and see.
            disconnect_viewers(*kept);
            break;
        }
    } catch (const std::exception&) {
        // Again when Redis is back.
    }
    kept->reading_ = false;
    kept->log().notify();
}

asio::awaitable<void> mirrored_run::answer(submission answers) {
    const auto kept = std::static_pointer_cast<mirrored_run>(shared_from_this());
    const std::size_t segments = log().segments().size();
    co_await ask_(kept, answer_command(answers));
    // What the answers lead to is in the log soon.
    while (kept->log().segments().size() == segments && !kept->log().is_complete() && !kept->broken_)
        co_await kept->log().wait();
}

asio::awaitable<void> mirrored_run::stop(std::string_view) {
    const auto kept = std::static_pointer_cast<mirrored_run>(shared_from_this());
    if (current() == state::ended) co_return;
    co_await ask_(kept, stop_command());
}

}  // namespace corun::gateway
