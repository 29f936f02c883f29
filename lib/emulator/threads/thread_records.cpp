#include "emulator/threads/thread_records.hpp"

namespace corun::emulator {

bool run::has_ended() const {
    const std::string now = status();
    return now == "completed" || now == "failed" || now == "cancelled" || now == "expired" || now == "incomplete";
}

void run::set_status(const std::string& status, std::int64_t now) {
    object["status"] = status;
    if (status != "requires_action") object["required_action"] = nullptr;
    if (status == "in_progress" && object["started_at"].is_null()) object["started_at"] = now;
    if (!has_ended()) return;
    object["expires_at"] = nullptr;
    if (status != "expired" && status != "incomplete") object[status + "_at"] = now;
    if (status == "incomplete") object["completed_at"] = now;
    object["usage"] = usage_of(input_tokens, output_tokens);
    object["usage"]["prompt_token_details"]["cached_tokens"] = 0;
}

std::shared_ptr<run> thread::active_run() const {
    for (const auto& [place, one] : runs.items())
        if (!one->has_ended()) return one;
    return nullptr;
}

void end_step(record& step, const std::string& status, std::int64_t now) {
    step.object["status"] = status;
    step.object[status + "_at"] = now;
}

json usage_of(std::size_t prompt, std::size_t completion) {
    json usage;
    usage["prompt_tokens"] = prompt;
    usage["completion_tokens"] = completion;
    usage["total_tokens"] = prompt + completion;
    return usage;
}

void drop_results(json& step_details) {
    if (!step_details.contains("tool_calls")) return;
    for (auto& call : step_details["tool_calls"])
        if (call.contains("file_search") && call["file_search"].contains("results"))
            for (auto& result : call["file_search"]["results"]) result.erase("content");
}

}  // namespace corun::emulator
