#include "gateway/hub.hpp"

#include "gateway/refusal.hpp"
#include "gateway/viewer.hpp"
#include "text/random.hpp"

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

/// What starts a run in its conversation's thread, which is created first if there is none.
struct opening {
    client service;
    agent runner;
    std::shared_ptr<conversation> where;
    question asked;
    mcp_header_source headers;
    run_options options;

    static asio::awaitable<event_stream> open(std::shared_ptr<opening> self) {
        const std::shared_ptr<opening> kept = std::move(self);
        if (!kept->where->thread) {
            thread_definition definition;
            definition.messages = kept->asked.history;
            agent_thread created = co_await kept->service.create_thread(std::move(definition));
            kept->where->thread = std::move(created);
        }
        event_stream stream =
            co_await kept->runner.run_stream(*kept->where->thread, kept->asked.text, kept->headers, kept->options);
        co_return stream;
    }
};

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

std::shared_ptr<conversation> hub::admit(const std::string& user, const std::string& name) {
    if (draining_) throw refusal(503, "draining", "The server is restarting. Try again in a moment.");
    const auto active = std::count_if(runs_.begin(), runs_.end(), [&](const auto& each) {
        return each.second->user() == user && each.second->current() == run::state::running;
    });
    if (static_cast<std::size_t>(active) >= options_.max_runs_per_user)
        throw refusal(429, "too_many_runs", "You have too many answers in progress. Wait for one of them to end.");
    if (log_bytes() > options_.max_total_log_bytes) forget_old_logs();
    if (log_bytes() > options_.max_total_log_bytes)
        throw refusal(503, "memory_full", "The server is busy. Try again in a moment.");
    const auto found = conversations_.find({user, name});
    if (found != conversations_.end()) return found->second;
    const auto first = conversations_.lower_bound({user, std::string()});
    std::size_t count = 0;
    for (auto i = first; i != conversations_.end() && i->first.first == user; ++i) ++count;
    if (count >= options_.max_conversations_per_user)
        throw refusal(429, "too_many_conversations", "You have too many conversations.");
    auto made = std::make_shared<conversation>();
    made->user = user;
    made->name = name;
    conversations_.emplace(conversation_key{user, name}, made);
    return made;
}

asio::awaitable<std::shared_ptr<run>> hub::start(user by, std::string name, question asked) {
    const user owner = std::move(by);
    const std::shared_ptr<conversation> where = admit(owner.id, name);
    if (where->starting || (where->last && where->last->current() == run::state::running))
        throw refusal(409, "busy", "This conversation is still being answered.");
    const starting_guard guard(where);
    where->used = steady::now();
    if (where->last && where->last->current() == run::state::waiting) {
        const std::shared_ptr<run> unanswered = where->last;
        co_await unanswered->stop();
        // Its thread accepts no other run until it has ended.
        while (unanswered->current() != run::state::ended) co_await unanswered->log().wait();
    }
    if (asked.starts_anew) where->thread.reset();
    std::function<bool(std::string_view)> is_own = [handlers = options_.run](std::string_view function) {
        const auto& own = handlers.functions;
        const auto is_named = [&](const local_function& each) { return each.definition.name == function; };
        return handlers.on_function_call || std::any_of(own.begin(), own.end(), is_named);
    };
    run_identity identity("run_" + detail::random_hex(32), owner.id);
    auto begun = std::make_shared<run>(executor_, std::move(identity), options_.max_log_bytes, std::move(is_own));
    auto open =
        std::make_shared<opening>(opening{client_, agent_, where, std::move(asked), owner.mcp_headers, options_.run});
    where->last = begun;
    runs_.emplace(begun->id(), begun);
    ++counted.runs_started;
    run::opener opener = [open] { return opening::open(open); };
    std::function<void(run&)> on_change = [weak = weak_from_this()](run& changed) {
        const auto self = weak.lock();
        if (!self || changed.current() != run::state::ended) return;
        const run_log& log = changed.log();
        const entry& last = log[log.size() - 1];
        const std::string outcome =
            last.kind == entry_kind::run_broken ? "broken" : string_member(last.detail, "outcome");
        ++self->counted.runs_ended[outcome];
        self->counted.entries += log.size();
    };
    begun->start(executor_, std::move(opener), std::move(on_change));
    co_return begun;
}

std::string hub::new_name() {
    return "conversation_" + detail::random_hex(32);
}

std::shared_ptr<conversation> hub::find_conversation(const std::string& user, const std::string& name) {
    const auto found = conversations_.find({user, name});
    return found == conversations_.end() ? nullptr : found->second;
}

std::shared_ptr<conversation> hub::find_conversation_of(const run& latest) {
    for (const auto& [key, each] : conversations_)
        if (each->last.get() == &latest) return each;
    return nullptr;
}

std::shared_ptr<run> hub::find_run(const std::string& user, const std::string& id) {
    const auto found = runs_.find(id);
    return found == runs_.end() || found->second->user() != user ? nullptr : found->second;
}

void hub::check_viewers_of(const std::string& user) {
    std::size_t count = 0;
    for (const auto& [id, each] : runs_)
        if (each->user() == user) count += each->viewers.size();
    if (count >= options_.max_viewers_per_user)
        throw refusal(429, "too_many_viewers", "This conversation is open in too many windows.");
}

void hub::tick(steady::time_point now) {
    const auto is_over = [now](std::chrono::milliseconds limit, steady::time_point since) {
        return limit.count() > 0 && now - since >= limit;
    };
    for (auto i = runs_.begin(); i != runs_.end();) {
        const std::shared_ptr<run> each = i->second;
        check_viewers(*each, now, options_.heartbeat, options_.stall_timeout);
        if (each->current() == run::state::waiting && is_over(options_.answer_timeout, each->changed_at()))
            asio::co_spawn(executor_, each->stop("unanswered"), [each](std::exception_ptr) {});
        const bool forget = each->current() == run::state::ended && each->viewers.empty() &&
                            is_over(options_.keep_ended, each->changed_at());
        i = forget ? runs_.erase(i) : std::next(i);
    }
    sessions_.forget_expired(now);
    std::erase_if(conversations_, [&](auto& each) {
        conversation& one = *each.second;
        if (one.last && !runs_.contains(one.last->id())) one.last = nullptr;
        return !one.last && !one.starting && is_over(options_.keep_conversation, one.used);
    });
}

void hub::forget_old_logs() {
    std::vector<std::shared_ptr<run>> ended;
    for (const auto& [id, each] : runs_)
        if (each->current() == run::state::ended && each->viewers.empty()) ended.push_back(each);
    std::sort(ended.begin(), ended.end(),
              [](const auto& a, const auto& b) { return a->changed_at() < b->changed_at(); });
    for (const auto& each : ended) {
        if (log_bytes() <= options_.max_total_log_bytes / 2) return;
        runs_.erase(each->id());
    }
}

void hub::stop() {
    draining_ = true;
    for (const auto& [id, each] : runs_) each->abandon();
}

bool hub::is_idle() const noexcept {
    return std::none_of(runs_.begin(), runs_.end(),
                        [](const auto& each) { return each.second->current() == run::state::running; });
}

std::size_t hub::log_bytes() const {
    std::size_t sum = 0;
    for (const auto& [id, each] : runs_) sum += each->log().bytes();
    return sum;
}

gauges hub::current() const {
    gauges now;
    for (const auto& [id, each] : runs_) {
        now.runs += each->current() != run::state::ended ? 1 : 0;
        now.waiting_runs += each->current() == run::state::waiting ? 1 : 0;
        now.viewers += each->viewers.size();
    }
    now.kept_runs = runs_.size();
    now.log_bytes = log_bytes();
    now.conversations = conversations_.size();
    now.draining = draining_;
    return now;
}

}  // namespace corun::gateway
