// The members of `run_options` that only this protocol has.
#include "protocol/responses/requests.hpp"

#include <optional>
#include <string>

namespace corun::codec::responses {
namespace {

body to_json(const reasoning& value) {
    body object = body::object();
    set_unless_empty(object, "effort", value.effort);
    set_unless_empty(object, "summary", value.summary);
    set_unless_empty(object, "context", value.context);
    set_unless_empty(object, "mode", value.mode);
    return object;
}

body to_json(const context_management& value) {
    if (value.type.empty()) refuse("context_management::type", "is empty");
    body object = body::object();
    object["type"] = text(value.type);
    set_if(object, "compact_threshold", value.compact_threshold);
    return object;
}

body to_json(const prompt_cache_options& value) {
    body object = body::object();
    set_unless_empty(object, "mode", value.mode);
    set_unless_empty(object, "ttl", value.ttl);
    set_unless_empty(object, "comparison_response_id", value.comparison_response_id);
    set_if(object, "prewarm", value.prewarm);
    return object;
}

body to_json(const moderation& value) {
    if (value.model.empty()) refuse("moderation::model", "is empty");
    body object = body::object();
    object["model"] = text(value.model);
    if (!value.input_mode.empty()) object["policy"]["input"]["mode"] = text(value.input_mode);
    if (!value.output_mode.empty()) object["policy"]["output"]["mode"] = text(value.output_mode);
    return object;
}

}  // namespace

void set_response_options(body& request, const run_options& options) {
    if (options.max_tool_calls && *options.max_tool_calls < 1)
        refuse("run_options::max_tool_calls",
               "is " + std::to_string(*options.max_tool_calls) + "; it must be at least 1");
    check_range(options.top_logprobs, 0, 20, "run_options::top_logprobs");
    if (options.reasoning) request["reasoning"] = to_json(*options.reasoning);
    if (options.verbosity) request["text"]["verbosity"] = text(*options.verbosity);
    for (const context_management& each : options.context_management)
        request["context_management"].push_back(to_json(each));
    set_unless_empty(request, "prompt_cache_key", options.prompt_cache_key);
    if (options.prompt_cache_options) request["prompt_cache_options"] = to_json(*options.prompt_cache_options);
    set_if(request, "max_tool_calls", options.max_tool_calls);
    set_unless_empty(request, "service_tier", options.service_tier);
    if (options.moderation) request["moderation"] = to_json(*options.moderation);
    set_unless_empty(request, "safety_identifier", options.safety_identifier);
    if (options.include_obfuscation) request["stream_options"]["include_obfuscation"] = *options.include_obfuscation;
    set_if(request, "top_logprobs", options.top_logprobs);
    for (const auto& [domain, program] : options.access_programs)
        set(request["access_programs"], domain, text(program));
}

}  // namespace corun::codec::responses
