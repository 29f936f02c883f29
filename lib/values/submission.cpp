#include <corun/submission.hpp>

#include <utility>

namespace corun {

tool_output::tool_output(std::string id, json_text text)
    : tool_call_id(std::move(id)), output(std::move(text).text()) {}

tool_approval::tool_approval(std::string id, bool yes, corun::headers fields)
    : tool_call_id(std::move(id)), approve(yes), headers(std::move(fields)) {}

submission& submission::output(std::string tool_call_id, json_text output) {
    outputs_.emplace_back(std::move(tool_call_id), std::move(output));
    return *this;
}

submission& submission::approve(std::string tool_call_id, headers fields) {
    approvals_.emplace_back(std::move(tool_call_id), true, std::move(fields));
    return *this;
}

submission& submission::deny(std::string tool_call_id) {
    approvals_.emplace_back(std::move(tool_call_id), false);
    return *this;
}

}  // namespace corun
