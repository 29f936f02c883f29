#include <corun/submission.hpp>

#include <utility>

namespace corun {

tool_output::tool_output(std::string id, call_output value) : tool_call_id(std::move(id)), output(std::move(value)) {}

tool_approval::tool_approval(std::string id, bool yes, corun::headers fields)
    : tool_call_id(std::move(id)), approve(yes), headers(std::move(fields)) {}

submission& submission::output(std::string tool_call_id, call_output output) {
    outputs_.emplace_back(std::move(tool_call_id), std::move(output));
    return *this;
}

submission& submission::approve(std::string tool_call_id, headers fields) {
    approvals_.emplace_back(std::move(tool_call_id), true, std::move(fields));
    return *this;
}

submission& submission::deny(std::string tool_call_id, std::string reason) {
    approvals_.emplace_back(std::move(tool_call_id), false).reason = std::move(reason);
    return *this;
}

}  // namespace corun
