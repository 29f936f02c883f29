#include "protocol/responses/item_events.hpp"

#include "protocol/responses/item_types.hpp"

#include <utility>

namespace corun::codec::responses {

std::string_view kind_of(const item& source) noexcept {
    return source.call.type.empty() ? std::string_view(source.type) : std::string_view(source.call.type);
}

std::vector<whole_text> whole_texts(const item& source) {
    std::vector<whole_text> texts;
    const auto add = [&texts](const std::vector<message_content>& parts, text_kind kind) {
        for (std::size_t i = 0; i != parts.size(); ++i) {
            const bool refusal = kind == text_kind::text && parts[i].type == "refusal";
            if (kind == text_kind::text && !refusal && parts[i].type != "text") continue;
            texts.push_back({refusal ? text_kind::refusal : kind, static_cast<std::int32_t>(i), parts[i].text});
        }
    };
    if (is_message(source)) {
        add(source.content, text_kind::text);
    } else if (source.type == "reasoning") {
        add(source.summary, text_kind::summary);
        add(source.content, text_kind::reasoning);
    } else if (!item_type_of(source.type).text.empty()) {
        texts.push_back({text_kind::arguments, 0, source.call.arguments});
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
    } else if (kind == text_kind::arguments) {
        auto& delta = out_.add<events::tool_call_delta>();
        delta.step_id = id;
        delta.type = call_type;
        delta.arguments = text;
    } else {
        auto& delta = out_.add<events::reasoning_delta>();
        delta.text = text;
        delta.item_id = id;
        delta.content_index = part;
        delta.summary = kind == text_kind::summary;
    }
}

void item_events::add_missing(const streamed_item& known, std::vector<missing_text> missing) {
    if (missing.empty()) return;
    const std::string_view id = out_.keep(known.id), type = out_.keep(known.type);
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
    } else if (is_step(added)) {
        out_.add<events::step_created>().step = step_of(added);
    }
    if (is_message(added) || added.type == "reasoning") add_missing(known, missing);
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
        if (!is_message(each) && !is_step(each) && each.type != "reasoning") continue;
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
    add_missing(known, std::move(missing));
    add_missing(known, known.take_halves());
    known.ended = true;
    done.id = known.id;
    set_ids(done, 0);
    if (is_message(done)) {
        if (done.status.empty() || done.status == "in_progress") done.status = "completed";
        out_.add<events::message_completed>().message = message_of(done);
    } else if (is_step(done)) {
        add_step_end(done);
    }
}

void item_events::add_step_end(item& done) {
    // The steps of runs know fewer ways to end.
    if (done.error || done.status == "incomplete")
        done.status = "failed";
    else if (done.status != "failed" && done.status != "cancelled")
        done.status = "completed";
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
