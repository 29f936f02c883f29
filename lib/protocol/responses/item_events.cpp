#include "protocol/responses/item_events.hpp"

#include "protocol/responses/item_types.hpp"

#include <memory>
#include <string>
#include <utility>

namespace corun::codec::responses {
namespace {

/// The type of the call that an output belongs to, as in `tool_call::type`.
std::string shown_call_type(std::string_view output_type) {
    return std::string(call_type_of(answered_type_of(output_type)));
}

}  // namespace

std::string_view to_string(text_kind kind) noexcept {
    switch (kind) {
        case text_kind::text:
            return "text";
        case text_kind::refusal:
            return "refusal";
        case text_kind::reasoning:
            return "reasoning";
        case text_kind::summary:
            return "summary";
        case text_kind::arguments:
            return "arguments";
        case text_kind::output:
        case text_kind::error_output:
            return "output";
        case text_kind::transcript:
            return "transcript";
        case text_kind::link:
        case text_kind::none:
            break;
    }
    return {};
}

std::string_view kind_of(const item& source) noexcept {
    return source.call.type.empty() ? std::string_view(source.type) : std::string_view(source.call.type);
}

std::vector<whole_text> whole_texts(const item& source) {
    std::vector<whole_text> texts;
    const auto add = [&texts](const std::vector<message_content>& parts, text_kind kind) {
        for (std::size_t i = 0; i != parts.size(); ++i) {
            text_kind its = kind;
            if (kind == text_kind::text && parts[i].type == "refusal") its = text_kind::refusal;
            if (kind == text_kind::text && parts[i].type == "output_audio") its = text_kind::transcript;
            if (its == text_kind::text && parts[i].type != "text") continue;
            texts.push_back({its, static_cast<std::int32_t>(i), parts[i].text});
        }
    };
    if (is_message(source)) {
        add(source.content, text_kind::text);
    } else if (source.type == "reasoning") {
        add(source.summary, text_kind::summary);
        add(source.content, text_kind::reasoning);
    } else if (!item_type_of(source.type).text.empty()) {
        texts.push_back({text_kind::arguments, 0, source.call.arguments});
    } else if (source.type == oauth_consent_request) {
        texts.push_back({text_kind::link, 0, source.link});
    }
    for (std::size_t i = 0; i != source.call.commands.size(); ++i)
        texts.push_back({text_kind::arguments, static_cast<std::int32_t>(i), source.call.commands[i]});
    for (std::size_t i = 0; i != source.call.command_results.size(); ++i) {
        const command_result& each = source.call.command_results[i];
        texts.push_back({text_kind::output, static_cast<std::int32_t>(i), each.standard_output});
        texts.push_back({text_kind::error_output, static_cast<std::int32_t>(i), each.standard_error});
    }
    return texts;
}

item_reference reference_to(const item& source, std::optional<std::int32_t> place, std::string_view place_id) {
    item_reference reference;
    reference.type = kind_of(source);
    if (source.id != place_id) reference.id = source.id;
    reference.call_id = source.call_id;
    reference.index = place;
    return reference;
}

void item_events::add_delta(text_kind kind, std::string_view id, std::int32_t part, std::string_view text,
                            std::string_view call_type) {
    if (kind == text_kind::text) {
        auto& delta = out_.add<events::text_delta>();
        delta.text = text;
        delta.message_id = id;
        delta.content_index = part;
    } else if (kind == text_kind::refusal) {
        auto& delta = out_.add<events::refusal_delta>();
        delta.text = text;
        delta.message_id = id;
        delta.content_index = part;
    } else if (kind == text_kind::arguments || kind == text_kind::output || kind == text_kind::error_output) {
        auto& delta = out_.add<events::tool_call_delta>();
        delta.step_id = id;
        delta.type = call_type;
        delta.output_index = part;
        (kind == text_kind::arguments ? delta.arguments
         : kind == text_kind::output  ? delta.output
                                      : delta.error_output) = text;
    } else if (kind == text_kind::transcript) {
        auto& delta = out_.add<events::audio_delta>();
        delta.transcript = text;
        delta.message_id = id;
        delta.content_index = part;
    } else {
        auto& delta = out_.add<events::reasoning_delta>();
        delta.text = text;
        delta.item_id = id;
        delta.content_index = part;
        delta.summary = kind == text_kind::summary;
    }
}

void item_events::add_part_end(std::string_view type, std::string_view id, std::int32_t part) {
    auto& completed = out_.add<events::part_completed>();
    completed.type = type;
    completed.item_id = id;
    completed.index = part;
}

void item_events::add_progress(const streamed_item& known, std::string_view type, std::string_view status) {
    item progress;
    progress.id = known.shown_id();
    progress.type = type;
    progress.status = status;
    progress.raw = out_.wire().data;
    progress.call.type = call_type_of(type);
    set_ids(progress, 0);
    out_.add<events::step_in_progress>().step = step_of(progress);
}

void item_events::add_missing(const streamed_item& known, std::vector<missing_text> missing) {
    if (missing.empty()) return;
    const std::string_view id = out_.keep(known.shown_id());
    const std::string_view type = out_.keep(is_answer(known.type) ? shown_call_type(known.type) : known.type);
    for (missing_text& each : missing) add_delta(each.kind, id, each.part, out_.keep(std::move(each.text)), type);
}

void item_events::begin(item added, std::optional<std::int32_t> place) {
    streamed_item& known = streamed_.find_for_begin(reference_to(added, place, {}));
    const bool was_there = known.ended;
    // What an item has when it begins is text like any other. It comes once.
    const std::vector<missing_text> missing =
        was_there ? std::vector<missing_text>() : known.missing_of(whole_texts(added), true);
    added.id = known.id;
    set_ids(added, 0);
    if (added.status.empty()) added.status = "in_progress";
    if (is_message(added)) {
        // It has begun, whatever it says.
        if (!was_there) added.status = "in_progress";
        if (!missing.empty()) added.content.clear();
        out_.add<events::message_created>().message = message_of(added);
    } else if (is_output(added)) {
        join_to_call(known, added.type, added.call_id);
        add_progress(known, answered_type_of(added.type), "in_progress");
    } else if (added.type == oauth_consent_request) {
        if (!missing.empty()) add_consent(added, known);
    } else if (is_step(added)) {
        out_.add<events::step_created>().step = step_of(added);
    }
    if (is_message(added) || is_output(added) || added.type == "reasoning") add_missing(known, missing);
}

void item_events::join_to_call(streamed_item& known, std::string_view type, std::string_view call_id) {
    const std::string call_type = shown_call_type(type);
    const streamed_item* found = streamed_.find_call(call_type, call_id);
    if (found == nullptr) return;
    known.call_item = found->id;
    if (!found->call) return;
    known.call = found->call;
    // By which it is known where its pieces were named after the call.
    if (!known.knows(known.call->id)) known.learn(known.call->id);
}

void item_events::add_consent(item& source, streamed_item& known) {
    auto& requested = out_.add<events::oauth_consent_requested>();
    requested.item_id = known.id;
    requested.server_label = source.call.server_label;
    requested.link = source.link;
}

void item_events::end(item done, std::optional<std::int32_t> place) {
    const std::vector<whole_text> texts = whole_texts(done);
    streamed_item& known = streamed_.find_for_whole(reference_to(done, place, {}), texts);
    add_end(done, known, known.missing_of(texts, true));
}

void item_events::end_all(std::vector<item>& output, bool whole) {
    streamed_.begin_list();
    for (std::size_t i = 0; i != output.size(); ++i) {
        item& each = output[i];
        if (!is_message(each) && !is_output(each) && !is_step(each) && each.type != oauth_consent_request) continue;
        const auto place = static_cast<std::int32_t>(i);
        const std::vector<whole_text> texts = whole_texts(each);
        const item_reference reference = reference_to(each, place, id_from_place(place));
        streamed_item* known = streamed_.find_in_list(reference, texts);
        if (known == nullptr) known = &streamed_.add_from_list(reference);
        std::vector<missing_text> missing = known->missing_of(texts, true);
        if (known->ended && missing.empty()) continue;
        if (!whole && (each.status.empty() || each.status == "in_progress")) each.status = "incomplete";
        add_end(each, *known, std::move(missing));
    }
    for (streamed_item& each : streamed_.all()) add_missing(each, each.take_halves());
}

void item_events::add_end(item& done, streamed_item& known, std::vector<missing_text> missing) {
    if (is_output(done)) join_to_call(known, done.type, done.call_id);
    if (done.type == oauth_consent_request) {
        if (!missing.empty()) add_consent(done, known);
    } else {
        add_missing(known, std::move(missing));
        add_missing(known, known.take_halves());
    }
    known.ended = true;
    done.id = known.id;
    set_ids(done, 0);
    if (is_message(done)) {
        if (done.status.empty() || done.status == "in_progress") done.status = "completed";
        out_.add<events::message_completed>().message = message_of(done);
    } else if (is_output(done)) {
        add_output_end(done, known);
    } else if (is_step(done)) {
        add_step_end(done, known);
    }
}

/// The call once more, with its output.
void item_events::add_output_end(item& done, streamed_item& known) {
    const std::shared_ptr<const tool_call> before = known.call;
    item call = done;
    call.id = known.shown_id();
    call.type = answered_type_of(done.type);
    call.call.type = call_type_of(call.type);
    if (before) {
        call.call = *before;
        call.call.output = std::move(done.call.output);
        call.call.command_results = std::move(done.call.command_results);
    }
    add_step_end(call, known);
}

void item_events::add_step_end(item& done, streamed_item& known) {
    // The steps of runs know fewer ways to end.
    if (done.error || done.status == "incomplete")
        done.status = "failed";
    else if (done.status != "failed" && done.status != "cancelled")
        done.status = "completed";
    if (is_call(done.type) && !done.call.output) known.call = std::make_shared<const tool_call>(done.call);
    out_.add<events::step_completed>().step = step_of(done);
    if (done.type == "mcp_list_tools" && !done.error) {
        auto& listed = out_.add<events::mcp_tools_listed>();
        listed.step_id = done.id;
        listed.list = done.tools;
    } else if (done.type == "mcp_call" && done.call.output) {
        auto& called = out_.add<events::mcp_call>();
        called.step_id = done.id;
        called.call = done.call;
    }
}

}  // namespace corun::codec::responses
