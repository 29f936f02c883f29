#include "emulator/script_interpreter.hpp"

#include "emulator/model.hpp"

#include <algorithm>
#include <utility>

namespace corun::emulator {
namespace {

bool may_share_round(const step& first, const step& next, bool mixed_rounds) {
    const auto may_mix = [](const step& call) {
        return call.type() == step::kind::call_function || call.type() == step::kind::call_mcp;
    };
    if (mixed_rounds && may_mix(first) && may_mix(next)) return true;
    return next.type() == first.type() && (first.type() != step::kind::call_tool || next.name() == first.name());
}

run_failure failure_of(const step& scripted) {
    run_failure failure(scripted.name(), scripted.text());
    if (failure.code == "rate_limit_exceeded") {
        failure.type = "too_many_requests";
        failure.status = 429;
    }
    return failure;
}

}  // namespace

token_stream::token_stream(const std::string& text, std::size_t count) : count_(count) {
    if (count != 0) return;
    tokens_ = tokens_of(text);
    count_ = tokens_.size();
}

bool token_stream::limit(const json& limit, std::size_t used) {
    if (!limit.is_number()) return true;
    const std::size_t most = limit.get<std::size_t>(), left = most - std::min(most, used);
    const bool is_whole = count_ <= left;
    count_ = std::min(count_, left);
    return is_whole;
}

std::string token_stream::operator[](std::size_t index) const {
    if (!tokens_.empty()) return tokens_[index];
    return (index ? " token" : "token") + std::to_string(index);
}

std::vector<step> script_interpreter::take_round() {
    std::deque<step>& plan = target_->plan;
    const bool in_parallel = get(target_->object, "parallel_tool_calls") != false;
    std::vector<step> round;
    do {
        round.push_back(plan.front());
        plan.pop_front();
    } while (in_parallel && !plan.empty() &&
             may_share_round(round.front(), plan.front(), environment_->options.mixed_rounds));
    return round;
}

asio::awaitable<void> script_interpreter::think(std::string) {
    co_return;
}

asio::awaitable<void> script_interpreter::follow_plan() {
    std::deque<step>& plan = target_->plan;
    while (!plan.empty()) {
        const step next = plan.front();
        bool goes_on = true;
        if (is_call(next)) {
            auto round = take_round();
            goes_on = co_await call_round(std::move(round));
            if (!goes_on) co_return;
            continue;
        }
        plan.pop_front();
        switch (next.type()) {
            case step::kind::reply:
            case step::kind::message:
            case step::kind::refusal:
                goes_on = co_await say(next);
                break;
            case step::kind::reasoning:
                co_await think(next.text());
                break;
            case step::kind::activity: {
                json activity = json::parse(next.text());
                co_await show_activity(std::move(activity));
                break;
            }
            case step::kind::require_action: {
                json details = json::parse(next.text());
                goes_on = co_await require_action(next.name(), std::move(details));
                break;
            }
            case step::kind::fail:
                throw failure_of(next);
            case step::kind::incomplete:
                co_await end_incomplete(next.text());
                co_return;
            case step::kind::hold:
                co_await hold();
                break;
            default:  // `next_round` only separates calls.
                break;
        }
        if (!goes_on) co_return;
    }
    co_await complete();
}

asio::awaitable<void> script_interpreter::stream_tokens(token_stream tokens, delta_writer write, std::string& text) {
    for (std::size_t i = 0; i != tokens.size(); ++i) {
        const std::string token = tokens[i];
        text += token;
        ++target_->output_tokens;
        if (write(token)) co_await sink_.flush();
        if (const auto pace = environment_->options.pace; pace.count() > 0) {
            auto pause = wait_for(environment_->context, pace);
            co_await meanwhile(std::move(pause));
        }
        if (is_interrupted()) throw interrupted{};
    }
}

}  // namespace corun::emulator
