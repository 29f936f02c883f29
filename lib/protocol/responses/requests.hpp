#pragma once
#include "json/body.hpp"
#include "protocol/responses/codec.hpp"
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

/// The parts of a request's body.
namespace corun::codec::responses {

/// A part of a message or of a call's output. `input` is false for messages of the model.
body to_content(const content_block& block, bool input);

/// Adds the items that answer `action`. Refuses an output whose form its call does not have.
void add_answers(body& input, const submission& answers, const required_action& action);

/// The input: answers, items, messages before the run's, and its own.
body to_input(const response_request& response);

/// Sets what `run_options` has for this protocol only.
void set_response_options(body& request, const run_options& options);

/// Adds the members of a JSON object of the caller's, which may set none that is set already or that `is_refused`.
template <class Refused>
void add_extra(body& object, std::string_view json, const std::string& member, Refused is_refused) {
    if (json.empty()) return;
    body extra = parse_object(json, member);
    for (auto& [key, value] : extra.get_ref<body::object_t&>()) {
        if (is_refused(std::string_view(key)) || object.contains(key))
            refuse(member, "sets \"" + std::string(key) + "\", which has a member of its own");
        object[key] = std::move(value);
    }
}
inline void add_extra(body& object, std::string_view json, const std::string& member) {
    add_extra(object, json, member, [](std::string_view) { return false; });
}

}  // namespace corun::codec::responses
