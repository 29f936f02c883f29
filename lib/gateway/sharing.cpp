#include "gateway/sharing.hpp"

#include "gateway/commands.hpp"
#include "gateway/hub.hpp"
#include "gateway/position.hpp"
#include "gateway/redis/writer.hpp"
#include "gateway/viewer.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace corun::gateway {
namespace {

using namespace std::chrono_literals;

/// Bells can get lost.
constexpr std::chrono::milliseconds poll_interval = 1s;

std::int64_t milliseconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Of a log that has its record.
run_identity identity_of(const std::string& id, const redis::stored_log& log) {
    run_identity identity(id, log.record->user, log.record->conversation);
    identity.started_at = std::chrono::system_clock::time_point(std::chrono::milliseconds(log.record->started_at));
    identity.question = log.question;
    return identity;
}

}  // namespace

sharing::sharing(hub& owner) : hub_(owner), progress_(owner.executor()) {}

void sharing::connect() {
    redis::store::events on;
    on.commanded = [weak = weak_from_this()](json command) {
        if (const auto self = weak.lock()) self->take_command(command);
    };
    on.orphaned = [weak = weak_from_this()](std::string id, std::string left_by) {
        if (const auto self = weak.lock()) self->adopt(id, left_by);
    };
    on.lapsed = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->verify_all();
    };
    store_ = std::make_shared<redis::store>(hub_.executor(), hub_.options().redis, std::move(on));
}

asio::awaitable<void> sharing::open() {
    const auto kept = store_;
    co_await kept->open();
}

void sharing::close() {
    for (const auto& [id, each] : mirrors_) disconnect_viewers(*each);
    if (store_) store_->close();
    progress_.notify();
}

asio::awaitable<std::shared_ptr<run>> sharing::find_run(std::string user, std::string id) {
    const auto kept = shared_from_this();
    if (const auto known = mirrors_.find(id); known != mirrors_.end() && !known->second->is_broken()) {
        const std::shared_ptr<mirrored_run> mirror = known->second;
        if (mirror->user() != user) co_return nullptr;
        const bool gone = co_await is_removed(mirror);
        if (!gone) co_return mirror;
        mirrors_.erase(id);
        co_return nullptr;
    }
    redis::stored_log log = co_await store_->logs().read(id, entry_id::before_all());
    if (!log.record || log.record->user != user) co_return nullptr;
    // Another request may have been quicker.
    if (const auto known = mirrors_.find(id); known != mirrors_.end()) {
        if (!known->second->is_broken()) co_return known->second;
        known->second->hand_over();
        mirrors_.erase(known);
    }
    mirrored_run::ask_owner asks = [weak = weak_from_this()](std::shared_ptr<mirrored_run> about, json command) {
        const auto self = weak.lock();
        if (!self) throw error(errc::connection_lost, "the gateway ends");
        return ask(self, std::move(about), std::move(command));
    };
    auto found = std::make_shared<mirrored_run>(hub_.executor(), identity_of(id, log), store_, std::move(asks));
    if (!found->add(std::move(log))) co_return nullptr;
    if (found->current() != run::state::ended) found->follow();
    mirrors_.emplace(id, found);
    co_return found;
}

asio::awaitable<void> sharing::begin(std::shared_ptr<owned_run> created) {
    run_record record;
    record.user = created->user();
    record.conversation = created->conversation();
    record.started_at = milliseconds_of(created->started_at());
    const entry_id start{1, 0};
    co_await store_->logs().create(created->id(), std::move(record), start, created->question());
    write(*created, 1);
}

asio::awaitable<void> sharing::remove(std::shared_ptr<run> ended) {
    const auto kept = shared_from_this();
    const std::shared_ptr<run> removed = std::move(ended);
    co_await store_->logs().remove(removed->id(), hub_.options().keep_ended);
    const auto mirror = std::dynamic_pointer_cast<mirrored_run>(removed);
    mirrors_.erase(removed->id());
    if (!mirror) co_return;
    // Others ask before they show a run. Its owner drops it at once.
    json notice = {{"action", "verify"}, {"run", mirror->id()}};
    co_await store_->command(mirror->owner(), std::move(notice));
}

asio::awaitable<bool> sharing::is_removed(std::shared_ptr<run> known) {
    const auto kept = shared_from_this();
    if (known->current() != run::state::ended) co_return false;
    try {
        const bool removed = co_await store_->logs().is_removed(known->id());
        co_return removed;
    } catch (const redis::unavailable&) {
        // Below.
    }
    co_return false;
}

asio::awaitable<void> sharing::save_thread(std::shared_ptr<conversation> where, std::string run) {
    const auto kept = shared_from_this();
    const auto saved = std::move(where);
    redis::conversation_record record;
    record.thread_id = saved->thread_id;
    record.run_id = std::move(run);
    while (!store_->is_closed()) {
        try {
            co_await store_->conversations().save(saved->user, saved->name, record, hub_.options().keep_conversation);
            co_return;
        } catch (const redis::unavailable&) {
            // Below.
        }
        co_await progress_.wait();
    }
}

void sharing::write(owned_run& by, std::uint64_t epoch) {
    redis::writer::settings how;
    how.run = by.id();
    how.record.user = by.user();
    how.record.conversation = by.conversation();
    how.record.started_at = milliseconds_of(by.started_at());
    how.epoch = epoch;
    how.patience = hub_.options().redis.patience;
    how.keep = hub_.options().keep_ended;
    how.owner = by.weak_from_this();
    const std::weak_ptr<run> weak = by.weak_from_this();
    how.whole = [weak] {
        const auto self = std::static_pointer_cast<owned_run>(weak.lock());
        return self ? self->whole_checkpoint() : checkpoint();
    };
    how.deposed = [weak, hub = hub_.weak_from_this()] {
        const auto self = std::static_pointer_cast<owned_run>(weak.lock());
        if (!self) return;
        self->leave();
        if (const auto runs = hub.lock()) runs->own_runs().drop(self->id());
    };
    by.write_with(std::make_shared<redis::writer>(hub_.executor(), store_, by.log(), std::move(how)));
}

void sharing::tick(steady::time_point now) {
    if (!store_) return;
    store_->check(now);
    for (const auto& [id, each] : hub_.own_runs()) {
        const auto writing = std::dynamic_pointer_cast<redis::writer>(each->writer());
        if (writing && writing->check(now)) each->warn("log_unavailable");
    }
    const bool polls = now - polled_ >= poll_interval;
    if (polls) {
        polled_ = now;
        for (const std::string& id : std::exchange(unfinished_, {})) adopt(id, store_->gateway());
    }
    for (auto i = mirrors_.begin(); i != mirrors_.end();) {
        mirrored_run& each = *i->second;
        if (polls) each.refresh();
        const bool is_unused = each.viewers.empty() && i->second.use_count() == 1 && now - each.changed_at() > 10s;
        i = is_unused ? mirrors_.erase(i) : std::next(i);
    }
    progress_.notify();
}

void sharing::verify_all() {
    for (const auto& [id, each] : hub_.own_runs())
        if (const auto writing = std::dynamic_pointer_cast<redis::writer>(each->writer())) writing->verify();
    for (const auto& [id, each] : mirrors_) each->refresh();
}

void sharing::take_command(const json& command) {
    if (string_member(command, "action") == "outcome") return take_outcome(command);
    const std::shared_ptr<owned_run> own = hub_.own_runs().find(string_member(command, "run"));
    if (string_member(command, "action") == "verify") {
        const auto writing = own ? std::dynamic_pointer_cast<redis::writer>(own->writer()) : nullptr;
        if (writing) writing->verify();
        return;
    }
    asio::co_spawn(hub_.executor(), serve(shared_from_this(), own, command), [](std::exception_ptr) {
        // Without an outcome, the other gateway tries again.
    });
}

void sharing::take_outcome(const json& outcome) {
    if (!member(outcome, "number").is_number_unsigned()) return;
    const auto found = asked_.find(member(outcome, "number").get<std::uint64_t>());
    if (found == asked_.end()) return;
    found->second->outcome = member(outcome, "outcome");
    progress_.notify();
}

asio::awaitable<void> sharing::serve(std::shared_ptr<sharing> self, std::shared_ptr<run> on, json command) {
    const auto kept = std::move(self);
    const std::shared_ptr<run> own = std::move(on);
    json outcome = "unreachable";
    if (own) {
        std::exception_ptr failure;
        try {
            co_await carry_out(own, command);
        } catch (...) {
            failure = std::current_exception();
        }
        outcome = outcome_of(failure);
    }
    json report = {{"action", "outcome"}, {"number", member(command, "number")}, {"outcome", std::move(outcome)}};
    co_await kept->store_->command(string_member(command, "from"), std::move(report));
}

asio::awaitable<void> sharing::ask(std::shared_ptr<sharing> self, std::shared_ptr<mirrored_run> about, json command) {
    const auto kept = std::move(self);
    const auto mirror = std::move(about);
    const auto end = steady::now() + 2 * kept->hub_.options().redis.lease;
    const std::uint64_t number = ++kept->last_number_;
    json sent = std::move(command);
    sent["run"] = mirror->id();
    sent["from"] = kept->store_->gateway();
    sent["number"] = number;
    const auto waiting = std::make_shared<asked>();
    kept->asked_[number] = waiting;
    std::string asked_of;
    while (!waiting->outcome && steady::now() < end && !kept->store_->is_closed()) {
        // It may have been taken over, by this gateway or another one.
        const std::shared_ptr<run> own = kept->hub_.own_runs().find(mirror->id());
        if (own) {
            kept->asked_.erase(number);
            co_await carry_out(own, sent);
            co_return;
        }
        if (asked_of != mirror->owner()) {
            asked_of = mirror->owner();
            json copy = sent;
            const bool is_there = co_await kept->store_->command(asked_of, std::move(copy));
            if (!is_there) asked_of.clear();
            if (waiting->outcome) break;
        }
        mirror->refresh();
        co_await kept->progress_.wait();
        if (waiting->outcome && *waiting->outcome == "unreachable" && asked_of != mirror->owner())
            waiting->outcome.reset();
    }
    kept->asked_.erase(number);
    check_outcome(waiting->outcome.value_or("unreachable"));
}

void sharing::adopt(const std::string& id, const std::string& left_by) {
    if (hub_.draining() || hub_.own_runs().contains(id) || !adopting_.insert(id).second) return;
    asio::co_spawn(hub_.executor(), take_over(shared_from_this(), id, left_by), [](std::exception_ptr) {
        // `take_over` catches everything.
    });
}

/// All of a log that only this gateway writes to from now on; nothing if there is nothing to write.
asio::awaitable<std::optional<redis::stored_log>> sharing::seize(std::string id, std::string left_by) {
    redis::stored_log log = co_await store_->logs().read(id, entry_id::before_all());
    if (log.batches.empty() || log.batches.back().writer != left_by) {
        // It has expired, or has been taken over.
        co_await store_->logs().release(id, left_by);
        co_return std::nullopt;
    }
    if (log.is_complete()) {
        co_await store_->logs().finish(id, hub_.options().keep_ended);
        co_await store_->logs().release(id, left_by);
        co_return std::nullopt;
    }
    co_await store_->logs().claim(id);
    const entry_id last = log.batches.back().id;
    const bool is_own = co_await store_->logs().begin_epoch(id, last);
    if (!is_own) {
        // Another gateway was quicker, or this one is not dead.
        co_await store_->logs().release(id, store_->gateway());
        co_return std::nullopt;
    }
    log_batch mark;
    mark.id = {last.epoch + 1, last.number};
    log.batches.push_back(std::move(mark));
    co_await store_->logs().release(id, left_by);
    json notice = {{"action", "verify"}, {"run", id}};
    co_await store_->command(std::move(left_by), std::move(notice));
    co_return log;
}

asio::awaitable<void> sharing::take_over(std::shared_ptr<sharing> self, std::string id, std::string left_by) {
    const auto kept = std::move(self);
    const auto runs = kept->hub_.shared_from_this();
    try {
        const auto log = co_await kept->seize(id, std::move(left_by));
        if (log && log->record) {
            const std::string user_id = log->record->user;
            std::optional<user> by;
            if (runs->options().find_user) by = co_await runs->options().find_user(user_id);
            auto found = runs->make_run(identity_of(id, *log));
            found->recall(log->batches);
            kept->write(*found, log->batches.back().id.epoch);
            co_await runs->go_on(found, std::move(by));
        }
    } catch (const std::exception&) {
        kept->unfinished_.insert(id);
    }
    kept->adopting_.erase(id);
}

}  // namespace corun::gateway
