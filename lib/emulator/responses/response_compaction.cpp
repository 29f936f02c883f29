// What a request would cost, and conversations made short.
#include "emulator/http/api_error.hpp"
#include "emulator/responses/response_context.hpp"
#include "emulator/responses/responses_engine.hpp"

#include <utility>

namespace corun::emulator {

json responses_engine::compact(const api_request& request) {
    const json body = body_of(request, bodies_of(request).compact);
    const auto compacted = make(request, body);
    json object;
    object["id"] = compacted->id;
    object["object"] = "response.compaction";
    object["created_at"] = environment_->now();
    object["output"] = json::array();
    std::vector<json> items = context_of(*compacted);
    for (const auto& [place, item] : compacted->input.items()) items.push_back(item->object);
    for (auto& item : items)
        if (is_user_message(item)) object["output"].push_back(std::move(item));
    object["output"].push_back(compaction_item(*environment_));
    // The summary counts as one token.
    compacted->output_tokens = 1;
    object["usage"] = usage_of(*compacted);
    return object;
}

json responses_engine::count_tokens(const api_request& request) {
    json body = body_of(request, bodies_of(request).count_tokens, false);
    if (get(body, "model").is_null()) body["model"] = "emulated";
    // What nothing precedes may be counted, too.
    if (get(body, "input").is_null()) body["input"] = json::array();
    json object;
    object["object"] = "response.input_tokens";
    object["input_tokens"] = make(request, body)->input_tokens;
    return object;
}

}  // namespace corun::emulator
