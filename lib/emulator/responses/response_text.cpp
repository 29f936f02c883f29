// What the model says and thinks: message and reasoning items.
#include "emulator/model.hpp"
#include "emulator/responses/response_execution.hpp"

#include <utility>

namespace corun::emulator {
namespace {

json text_part(std::string text, json annotations = json::array()) {
    json part;
    part["type"] = "output_text";
    part["annotations"] = std::move(annotations);
    part["logprobs"] = json::array();
    part["text"] = std::move(text);
    return part;
}

/// An annotation in the form of responses, from one in the form of thread messages.
json flat_annotation(const json& annotation) {
    json flat;
    flat["type"] = get(annotation, "type");
    const json& inner = get(annotation, get_string(annotation, "type").c_str());
    if (inner.is_null()) return annotation;
    if (flat["type"] == "url_citation") {
        for (const char* name : {"start_index", "end_index"}) flat[name] = get(annotation, name);
        flat["url"] = get(inner, "url");
        flat["title"] = get(inner, "title").is_null() ? json("") : inner["title"];
        return flat;
    }
    flat["file_id"] = get(inner, "file_id");
    if (flat["type"] == "file_citation") flat["filename"] = get(inner, "file_id");
    flat["index"] = get(annotation, "start_index").is_null() ? json(0) : annotation["start_index"];
    return flat;
}

/// A block of a thread message as a part of a response.
json part_of(const json& block) {
    if (get(block, "type") != "text") return block;
    json annotations = json::array();
    for (const auto& annotation : get(get(block, "text"), "annotations"))
        annotations.push_back(flat_annotation(annotation));
    return text_part(get_string(get(block, "text"), "value"), std::move(annotations));
}

/// The parts of a message that a step scripts.
json parts_of(const step& scripted) {
    json parts = json::array();
    if (scripted.type() == step::kind::message) {
        const json blocks = json::parse(scripted.text());
        for (const auto& block : blocks) parts.push_back(part_of(block));
    } else if (scripted.type() == step::kind::refusal) {
        json& part = parts.emplace_back();
        part["type"] = "refusal";
        part["refusal"] = scripted.text();
    } else {
        parts.push_back(text_part(scripted.text()));
    }
    return parts;
}

/// The members of an event about one part of an item: an index, and a part or its text.
json members_of(const char* index_name, std::size_t index, const char* name, json value) {
    json members;
    members[index_name] = index;
    members[name] = std::move(value);
    return members;
}

}  // namespace

asio::awaitable<void> response_execution::think(std::string summary) {
    json item;
    item["id"] = environment_->make_id("rs_");
    item["type"] = "reasoning";
    item["summary"] = json::array();
    if (response_.options.with_encrypted_reasoning) item["encrypted_content"] = "gAAAAA" + std::string(24, 'x');
    const json id = item["id"];
    const std::size_t index = co_await add_item(std::move(item));
    ++response_.reasoning_tokens;
    if (!summary.empty()) {
        summary = filled_in(std::move(summary), response_.user_message, response_.outputs);
        json part;
        part["type"] = "summary_text";
        part["text"] = "";
        json members = members_of("summary_index", 0, "part", part);
        co_await events_.emit_of_item("response.reasoning_summary_part.added", index, std::move(members));
        auto tokens = tokens_of(summary);
        response_.reasoning_tokens += tokens.size();
        json place;
        place["item_id"] = id;
        place["output_index"] = index;
        place["summary_index"] = 0;
        co_await events_.emit_deltas("response.reasoning_summary_text.delta", std::move(place), std::move(tokens));
        members = members_of("summary_index", 0, "text", summary);
        co_await events_.emit_of_item("response.reasoning_summary_text.done", index, std::move(members));
        part["text"] = std::move(summary);
        members = members_of("summary_index", 0, "part", part);
        co_await events_.emit_of_item("response.reasoning_summary_part.done", index, std::move(members));
        response_.object["output"][index]["summary"].push_back(std::move(part));
    }
    co_await finish_item(index);
}

asio::awaitable<bool> response_execution::say(step scripted) {
    const json parts = parts_of(scripted);
    json item;
    item["id"] = environment_->make_id("msg_");
    item["type"] = "message";
    item["status"] = "in_progress";
    item["content"] = json::array();
    item["role"] = "assistant";
    if (scripted.type() == step::kind::reply && !scripted.name().empty()) item["phase"] = scripted.name();
    const std::size_t index = co_await add_item(std::move(item));
    bool is_whole = true;
    for (std::size_t i = 0; i != parts.size() && is_whole; ++i) {
        const std::string type = get_string(parts[i], "type");
        const bool is_streamed = type == "output_text" || type == "refusal";
        if (is_streamed) {
            is_whole = co_await say_part(index, i, parts[i], scripted.count());
            continue;
        }
        const json members = members_of("content_index", i, "part", parts[i]);
        co_await events_.emit_of_item("response.content_part.added", index, members);
        co_await events_.emit_of_item("response.content_part.done", index, members);
        response_.object["output"][index]["content"].push_back(parts[i]);
    }
    if (!is_whole) response_.object["output"][index]["status"] = "incomplete";
    co_await finish_item(index);
    if (!is_whole) co_await end_incomplete("max_output_tokens");
    co_return is_whole;
}

/// Streams a text or a refusal. Returns false when it is cut off.
asio::awaitable<bool> response_execution::say_part(std::size_t item, std::size_t index, json part, std::size_t count) {
    const bool is_text = get(part, "type") == "output_text";
    const char* text_name = is_text ? "text" : "refusal";
    const std::string event = is_text ? "response.output_text." : "response.refusal.";
    const json annotations = get(part, "annotations").is_array() ? part["annotations"] : json::array();
    token_stream tokens(filled_in(get_string(part, text_name), response_.user_message, response_.outputs), count);
    const bool is_whole = tokens.limit(get(response_.object, "max_output_tokens"), response_.output_tokens);
    if (is_text) part = text_part("");
    part[text_name] = "";
    json members = members_of("content_index", index, "part", part);
    co_await events_.emit_of_item("response.content_part.added", item, std::move(members));

    const delta_place place(event + "delta", get_string(response_.object["output"][item], "id"), item, index);
    delta_writer write = [this, place, more = is_text ? R"(,"logprobs":[])" : ""](const std::string& token) {
        return events_.put_delta(place, token, more);
    };
    std::string text;
    const auto keep = [&] {
        part[text_name] = text;
        response_.object["output"][item]["content"].push_back(part);
    };
    try {
        co_await stream_tokens(std::move(tokens), std::move(write), text);
    } catch (...) {
        keep();
        throw;
    }
    for (std::size_t i = 0; i != annotations.size() && is_whole; ++i) {
        members = members_of("content_index", index, "annotation_index", i);
        members["annotation"] = annotations[i];
        co_await events_.emit_of_item("response.output_text.annotation.added", item, std::move(members));
        part["annotations"].push_back(annotations[i]);
    }
    keep();
    members = members_of("content_index", index, text_name, text);
    if (is_text) members["logprobs"] = json::array();
    co_await events_.emit_of_item(event + "done", item, std::move(members));
    members = members_of("content_index", index, "part", part);
    co_await events_.emit_of_item("response.content_part.done", item, std::move(members));
    co_return is_whole;
}

}  // namespace corun::emulator
