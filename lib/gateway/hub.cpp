#include "gateway/hub.hpp"

#include "gateway/opening.hpp"
#include "gateway/refusal.hpp"
#include "gateway/viewer.hpp"
#include "text/random.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>

#include <algorithm>
#include <exception>

namespace corun::gateway {
namespace {

/// Frees `conversation::starting` however a start ends.
class starting_guard {
public:
    explicit starting_guard(std::shared_ptr<conversation> target) : target_(std::move(target)) {
        target_->starting = true;
    }
    ~starting_guard() { target_->starting = false; }
    starting_guard(const starting_guard&) = delete;
    starting_guard& operator=(const starting_guard&) = delete;

private:
    std::shared_ptr<conversation> target_;
};

/// The right to start a run in a conversation that gateways share.
class start_lock {
public:
    start_lock(redis::conversations& where, std::string user, std::string name, std::string token)
        : where_(where), user_(std::move(user)), name_(std::move(name)), token_(std::move(token)) {}
    ~start_lock() { where_.unlock(user_, name_, token_); }
    start_lock(const start_lock&) = delete;
    start_lock& operator=(const start_lock&) = delete;

private:
    redis::conversations& where_;
    std::string user_, name_, token_;
};

/// Cancels a run that nobody answers. Completes when it has ended.
asio::awaitable<void> end_unanswered(std::shared_ptr<run> waiting) {
    const std::shared_ptr<run> unanswered = std::move(waiting);
    if (unanswered->current() == run::state::ended) co_return;
    co_await unanswered->stop();
    while (unanswered->current() != run::state::ended) co_await unanswered->log().wait();
}

owned_run::opener opener_of(std::shared_ptr<opening> open, const std::shared_ptr<owned_run>& begun,
                            const std::shared_ptr<sharing>& shared) {
    if (shared)
        open->on_thread = [shared, where = open->where, id = begun->id()] { return shared->save_thread(where, id); };
    return [open = std::move(open), begun] { return opening::open(open, begun); };
}

}  // namespace

hub::hub(asio::any_io_executor executor, client client, agent agent, gateway_options options)
    : executor_(std::move(executor)),
      client_(std::move(client)),
      agent_(std::move(agent)),
      options_(std::move(options)),
      sessions_(options_.session_lifetime, options_.secure_cookie) {
    if (!options_.pages.empty()) pages_ = gateway::pages(options_.pages);
    options_.run.answers_by_hand = true;
    options_.run.on_abandon = abandoned_run::goes_on;
}

asio::awaitable<void> hub::open() {
    if (options_.redis.url.empty()) co_return;
    shared_ = std::make_shared<sharing>(*this);
    const auto opened = shared_;
    opened->connect();
    if (options_.find_user) sessions_.share(opened->store().sessions(), options_.find_user);
    co_await opened->open();
}

void hub::admit(const std::string& user, const std::string& name) {
    if (draining_) throw refusal(503, "draining", "The server is restarting. Try again in a moment.");
    const auto active = std::count_if(runs_.begin(), runs_.end(), [&](const auto& each) {
        return each.second->user() == user && each.second->current() == run::state::running;
    });
    if (static_cast<std::size_t>(active) >= options_.max_runs_per_user)
        throw refusal(429, "too_many_runs", "You have too many answers in progress. Wait for one of them to end.");
    if (runs_.bytes() > options_.max_total_log_bytes) runs_.drop_oldest(options_.max_total_log_bytes / 2);
    if (runs_.bytes() > options_.max_total_log_bytes)
        throw refusal(503, "memory_full", "The server is busy. Try again in a moment.");
    if (shared_ && !shared_->store().is_available()) throw log_unavailable();
    if (name.empty() || conversations_.contains({user, name})) return;
    const auto first = conversations_.lower_bound({user, std::string()});
    std::size_t count = 0;
    for (auto i = first; i != conversations_.end() && i->first.first == user; ++i) ++count;
    if (count >= options_.max_conversations_per_user)
        throw refusal(429, "too_many_conversations", "You have too many conversations.");
}

/// The conversation in which a run is to be started.
std::shared_ptr<conversation> hub::enter(const std::string& user, const std::string& name) {
    std::shared_ptr<conversation>& entered = conversations_[{user, name}];
    if (!entered) {
        entered = std::make_shared<conversation>();
        entered->user = user;
        entered->name = name;
    }
    return entered;
}

/// What other gateways have made of a conversation.
asio::awaitable<void> hub::refresh(std::shared_ptr<conversation> one) {
    const auto kept = std::move(one);
    if (!shared_) co_return;
    const redis::conversation_record record = co_await shared_->store().conversations().find(kept->user, kept->name);
    // Of a run of its own, this gateway knows more.
    if (!runs_.contains(record.run_id) && record.thread_id != kept->thread_id) {
        kept->thread.reset();
        kept->thread_id = record.thread_id;
    }
    std::shared_ptr<run> last;
    if (!record.run_id.empty()) last = co_await find_run(kept->user, record.run_id);
    kept->last = std::move(last);
}

asio::awaitable<std::shared_ptr<run>> hub::start(user by, std::string name, question asked) {
    const user owner = std::move(by);
    admit(owner.id, name);
    const std::shared_ptr<conversation> where = enter(owner.id, name);
    if (where->starting) throw refusal(409, "busy", "This conversation is still being answered.");
    const starting_guard guard(where);
    where->used = steady::now();
    std::optional<start_lock> lock;
    if (shared_) {
        const auto token = co_await shared_->store().conversations().lock(owner.id, name);
        if (!token) throw refusal(409, "busy", "This conversation is still being answered.");
        lock.emplace(shared_->store().conversations(), owner.id, name, *token);
    }
    co_await refresh(where);
    if (where->last && where->last->current() == run::state::running)
        throw refusal(409, "busy", "This conversation is still being answered.");
    // It gives way to the next: its thread accepts no other run until it has ended.
    if (where->last) co_await end_unanswered(where->last);
    if (asked.starts_anew) {
        where->thread.reset();
        where->thread_id.clear();
    }
    run_identity identity("run_" + detail::random_hex(32), owner.id, name);
    identity.question = encode(asked);
    auto begun = make_run(std::move(identity));
    if (shared_) {
        co_await shared_->begin(begun);
        redis::conversation_record record;
        record.thread_id = where->thread_id;
        record.run_id = begun->id();
        co_await shared_->store().conversations().save(owner.id, name, record, options_.keep_conversation);
    }
    where->last = begun;
    ++counted.runs_started;
    auto open = std::make_shared<opening>(
        opening{client_, agent_, where, std::move(asked), owner.mcp_headers, options_.run, nullptr});
    begin(begun, opener_of(std::move(open), begun, shared_));
    co_return begun;
}

asio::awaitable<compacted_response> hub::compact(user by, json items) {
    admit(by.id, {});
    const std::string& model = agent_.prompt_definition().model;
    if (model.empty()) throw bad_request("The agent's service does not compact conversations.");
    model_input input(model);
    input.items = text_of(items);
    std::optional<std::error_code> rejected;
    compacted_response result;
    try {
        result = co_await client_.compact(std::move(input));
    } catch (const error& failure) {
        if (failure.code() != errc::bad_request && failure.code() != errc::invalid_argument) throw;
        rejected = failure.code();
    }
    if (rejected) throw bad_request("The input cannot be compacted.");
    co_return result;
}

std::shared_ptr<owned_run> hub::make_run(run_identity identity) const {
    std::function<bool(std::string_view)> is_own = [handlers = options_.run](std::string_view function) {
        const auto& own = handlers.functions;
        const auto is_named = [&](const local_function& each) { return each.definition.name == function; };
        return handlers.on_function_call || std::any_of(own.begin(), own.end(), is_named);
    };
    return std::make_shared<owned_run>(executor_, std::move(identity), options_.max_log_bytes, std::move(is_own));
}

asio::awaitable<void> hub::go_on(std::shared_ptr<owned_run> recalled, std::optional<user> by) {
    const std::shared_ptr<owned_run> begun = std::move(recalled);
    const std::optional<user> owner = std::move(by);
    mcp_header_source headers;
    if (owner) headers = owner->mcp_headers;
    auto again = decode_question(begun->question());
    std::shared_ptr<conversation> where;
    if (begun->position().empty() && owner && again) {
        const redis::conversation_record record =
            co_await shared_->store().conversations().find(begun->user(), begun->conversation());
        // Otherwise nobody has been told of this run.
        if (record.run_id == begun->id()) {
            where = enter(begun->user(), begun->conversation());
            if (where->thread_id != record.thread_id) where->thread.reset();
            where->thread_id = record.thread_id;
            where->last = begun;
        }
    }
    ++counted.runs_taken_over;
    if (where) {
        auto open = std::make_shared<opening>(
            opening{client_, agent_, where, std::move(*again), std::move(headers), options_.run, nullptr});
        begin(begun, opener_of(std::move(open), begun, shared_));
        co_return;
    }
    begin(begun, [begun, headers = std::move(headers), service = client_, runner = agent_, options = options_.run] {
        return opening::open_again(service, runner, begun, headers, options);
    });
}

void hub::begin(const std::shared_ptr<owned_run>& begun, owned_run::opener open) {
    runs_.add(begun);
    std::function<void(run&)> on_change = [weak = weak_from_this()](run& changed) {
        const auto self = weak.lock();
        const run_log& log = changed.log();
        if (!self || changed.current() != run::state::ended || !log.is_complete()) return;
        const entry& last = log[log.size() - 1];
        const std::string outcome =
            last.kind == entry_kind::run_broken ? "broken" : string_member(last.detail, "outcome");
        ++self->counted.runs_ended[outcome];
        self->counted.entries += log.size();
    };
    begun->start(executor_, std::move(open), std::move(on_change));
}

std::string new_conversation_name() {
    return "conversation_" + detail::random_hex(32);
}

asio::awaitable<std::shared_ptr<conversation>> hub::find_conversation(std::string user, std::string name) {
    const auto found = conversations_.find({user, name});
    std::shared_ptr<conversation> known = found == conversations_.end() ? nullptr : found->second;
    if (!shared_) co_return known;
    const bool is_new = !known;
    if (is_new) {
        known = std::make_shared<conversation>();
        known->user = user;
        known->name = name;
    }
    // A start that is under way knows more.
    if (!known->starting) co_await refresh(known);
    if (is_new && !known->last) co_return nullptr;
    co_return known;
}

asio::awaitable<std::shared_ptr<run>> hub::find_run(std::string user, std::string id) {
    const auto shared = shared_;
    std::shared_ptr<run> found = runs_.find(id);
    if (found && found->user() != user) co_return nullptr;
    if (!shared || id.empty()) co_return found;
    if (!found) {
        std::shared_ptr<run> other = co_await shared->find_run(std::move(user), std::move(id));
        co_return other;
    }
    const bool is_removed = co_await shared->is_removed(found);
    if (!is_removed) co_return found;
    runs_.drop(id);
    co_return nullptr;
}

asio::awaitable<void> hub::remove(std::shared_ptr<run> unwanted) {
    const std::shared_ptr<run> removed = std::move(unwanted);
    if (removed->current() == run::state::running && !removed->log().waits())
        throw refusal(409, "in_progress", "This answer is still in progress. Cancel it first.");
    co_await end_unanswered(removed);
    if (shared_) co_await shared_->remove(removed);
    runs_.drop(removed->id());
    const auto where = conversations_.find({removed->user(), removed->conversation()});
    if (where == conversations_.end() || !where->second->last) co_return;
    if (where->second->last->id() == removed->id()) where->second->last = nullptr;
}

void hub::check_viewers_of(const std::string& user) {
    std::size_t count = 0;
    for (const auto& [id, each] : runs_)
        if (each->user() == user) count += each->viewers.size();
    if (shared_)
        for (const auto& [id, each] : shared_->mirrors())
            if (each->user() == user) count += each->viewers.size();
    if (count >= options_.max_viewers_per_user)
        throw refusal(429, "too_many_viewers", "This conversation is open in too many windows.");
}

void hub::tick(steady::time_point now) {
    const auto is_over = [now](std::chrono::milliseconds limit, steady::time_point since) {
        return limit.count() > 0 && now - since >= limit;
    };
    for (auto i = runs_.begin(); i != runs_.end();) {
        const std::shared_ptr<owned_run> each = i->second;
        check_viewers(*each, now, options_.heartbeat, options_.stall_timeout);
        if (each->current() == run::state::waiting && is_over(options_.answer_timeout, each->changed_at()))
            asio::co_spawn(executor_, each->stop("unanswered"), [each](std::exception_ptr) {});
        const bool forget = each->current() == run::state::ended && each->viewers.empty() &&
                            is_over(options_.keep_ended, each->changed_at());
        i = forget ? runs_.drop(i) : std::next(i);
    }
    if (shared_) {
        shared_->tick(now);
        for (const auto& [id, each] : shared_->mirrors())
            check_viewers(*each, now, options_.heartbeat, options_.stall_timeout);
    }
    sessions_.forget_expired(now);
    std::erase_if(conversations_, [&](auto& each) {
        conversation& one = *each.second;
        if (one.last && !runs_.contains(one.last->id())) one.last = nullptr;
        return !one.last && !one.starting && is_over(options_.keep_conversation, one.used);
    });
}

void hub::stop() {
    draining_ = true;
    for (const auto& [id, each] : runs_) {
        if (shared_)
            each->leave();
        else
            each->abandon();
    }
    if (shared_) shared_->close();
}

bool hub::is_idle() const noexcept {
    return std::none_of(runs_.begin(), runs_.end(),
                        [](const auto& each) { return each.second->current() == run::state::running; });
}

gauges hub::current() const {
    gauges now;
    for (const auto& [id, each] : runs_) {
        now.runs += each->current() != run::state::ended ? 1 : 0;
        now.waiting_runs += each->current() == run::state::waiting ? 1 : 0;
        now.viewers += each->viewers.size();
    }
    if (shared_)
        for (const auto& [id, each] : shared_->mirrors()) now.viewers += each->viewers.size();
    now.kept_runs = runs_.size();
    now.log_bytes = runs_.bytes();
    now.conversations = conversations_.size();
    now.draining = draining_;
    return now;
}

}  // namespace corun::gateway
