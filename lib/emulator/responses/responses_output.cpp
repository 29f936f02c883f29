// The items of a response's output: what the model says, thinks and calls, and the events that tell of it.
#include "emulator/responses/responses.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace corun::emulator {
namespace {

/// Fills a delta up to a multiple of 16 characters, so that its length tells nothing of it.
std::string obfuscation_for(const std::string& text) {
    const auto length = utf8::count_characters(text);
    return std::string((16 - length % 16) % 16, 'x');
}

json text_part(std::string text, json annotations = json::array()) {
    json part;
    part["type"] = "output_text";
    part["annotations"] = std::move(annotations);
    part["logprobs"] = json::array();
    part["text"] = std::move(text);
    return part;
}

/// An annotation as responses spell it, of one as messages of threads do.
json flat_annotation(const json& given) {
    json flat;
    flat["type"] = get(given, "type");
    const json& inner = get(given, get_string(given, "type").c_str());
    if (inner.is_null()) return given;
    if (flat["type"] == "url_citation") {
        for (const char* name : {"start_index", "end_index"}) flat[name] = get(given, name);
        flat["url"] = get(inner, "url");
        flat["title"] = get(inner, "title").is_null() ? json("") : inner["title"];
        return flat;
    }
    flat["file_id"] = get(inner, "file_id");
    if (flat["type"] == "file_citation") flat["filename"] = get(inner, "file_id");
    flat["index"] = get(given, "start_index").is_null() ? json(0) : given["start_index"];
    return flat;
}

/// A block of a message as responses have it.
json part_of(const json& block) {
    if (get(block, "type") != "text") return block;
    json annotations = json::array();
    for (const auto& one : get(get(block, "text"), "annotations")) annotations.push_back(flat_annotation(one));
    return text_part(get_string(get(block, "text"), "value"), std::move(annotations));
}

/// Prefix of the ids of a call that the service runs itself, and the events between its first and its last.
struct call_form {
    const char *type, *item_type, *prefix;
    std::vector<const char*> events;
};
const call_form& form_of(const std::string& type) {
    static const call_form forms[] = {
        {"web_search", "web_search_call", "ws_", {"in_progress", "searching", "completed"}},
        {"web_search_preview", "web_search_call", "ws_", {"in_progress", "searching", "completed"}},
        {"file_search", "file_search_call", "fs_", {"in_progress", "searching", "completed"}},
        {"code_interpreter", "code_interpreter_call", "ci_", {"in_progress", "interpreting", "completed"}},
        {"image_generation", "image_generation_call", "ig_", {"in_progress", "generating", "completed"}},
    };
    static const call_form other{"", "", "call_", {}};
    for (const auto& one : forms)
        if (type == one.type) return one;
    return other;
}

/// Details of a call as its item shows them, of what scripts say for runs and responses alike.
json details_of(const std::string& type, json given, bool with_results) {
    json details = json::object();
    if (type == "code_interpreter") {
        details["code"] = get(given, given.contains("code") ? "code" : "input");
        details["container_id"] = get(given, "container_id").is_null() ? json("cntr_emulated") : given["container_id"];
        details["outputs"] = get(given, "outputs");
    } else if (type == "file_search") {
        details["queries"] = get(given, "queries").is_array() ? given["queries"] : json::array();
        details["results"] = nullptr;
        if (with_results && get(given, "results").is_array()) {
            details["results"] = json::array();
            for (const auto& one : given["results"]) {
                json result;
                result["file_id"] = get(one, "file_id");
                result["filename"] = get(one, one.contains("filename") ? "filename" : "file_name");
                result["score"] = get(one, "score");
                std::string text = get_string(one, "text");
                for (const auto& block : get(one, "content")) text += get_string(block, "text");
                result["text"] = std::move(text);
                details["results"].push_back(std::move(result));
            }
        }
    } else if (type.starts_with("web_search")) {
        details["action"] = get(given, "action");
        if (details["action"].is_null()) {
            details["action"]["type"] = "search";
            details["action"]["queries"] = json::array();
            details["action"]["queries"].push_back(get(given, "query").is_null() ? json("") : given["query"]);
            details["action"]["query"] = get(given, "query").is_null() ? json("") : given["query"];
        }
    } else {
        given.erase("partial_images");
        details.update(given);
    }
    return details;
}

}  // namespace

asio::awaitable<void> responses::emit_deltas(response& what, event_sink& sink, std::string event, json place,
                                             std::vector<std::string> texts) {
    for (const auto& text : texts) {
        json more = place;
        more["delta"] = text;
        if (what.obfuscated) more["obfuscation"] = obfuscation_for(text);
        co_await emit(what, sink, event, std::move(more));
    }
}

asio::awaitable<std::size_t> responses::add_item(response& what, event_sink& sink, json item) {
    co_await stage(what);
    const std::size_t index = what.object["output"].size();
    what.object["output"].push_back(item);
    json data;
    data["output_index"] = index;
    data["item"] = std::move(item);
    co_await emit(what, sink, "response.output_item.added", std::move(data));
    co_return index;
}

asio::awaitable<void> responses::finish_item(response& what, event_sink& sink, std::size_t index) {
    co_await stage(what);
    json& item = what.object["output"][index];
    if (get(item, "status") == "in_progress") item["status"] = "completed";
    json data;
    data["output_index"] = index;
    data["item"] = item;
    co_await emit(what, sink, "response.output_item.done", std::move(data));
}

asio::awaitable<void> responses::call_function(response& what, event_sink& sink, step scripted) {
    json schema;
    bool is_custom = false;
    for (const auto& tool : what.object["tools"])
        if (get(tool, "name") == scripted.name()) {
            schema = get(tool, "parameters");
            is_custom = get(tool, "type") == "custom";
        }
    std::string arguments = scripted.text();
    if (arguments.empty())
        arguments = is_custom ? what.user_message : text_of(arguments_for(schema, what.user_message));
    const std::string name = is_custom ? "input" : "arguments";
    const std::string events = is_custom ? "response.custom_tool_call_input." : "response.function_call_arguments.";
    json item;
    item["id"] = core_->make_id(is_custom ? "ctc_" : "fc_");
    item["type"] = is_custom ? "custom_tool_call" : "function_call";
    item["status"] = "in_progress";
    item[name] = "";
    item["call_id"] = core_->make_id("call_");
    item["name"] = scripted.name();
    json place;
    place["item_id"] = item["id"];
    const std::size_t index = co_await add_item(what, sink, std::move(item));
    place["output_index"] = index;
    const auto [begin, rest] = halves_of(arguments);
    std::vector<std::string> pieces;
    for (const auto& piece : {begin, rest})
        if (!piece.empty()) pieces.push_back(piece);
    co_await emit_deltas(what, sink, events + "delta", std::move(place), std::move(pieces));
    json done;
    done[name] = arguments;
    co_await emit_of_item(what, sink, events + "done", index, std::move(done));
    what.object["output"][index][name] = std::move(arguments);
    co_await finish_item(what, sink, index);
}

/// True when the call waits for an approval.
asio::awaitable<bool> responses::call_mcp(response& what, event_sink& sink, step scripted) {
    const std::string name = scripted.name();
    const auto server = std::find_if(what.servers.begin(), what.servers.end(), [&](const response_server& one) {
        return (scripted.label().empty() || one.label == scripted.label()) && one.tool(name);
    });
    if (server == what.servers.end())
        throw response_failure("server_error", "No MCP server of this response has a tool '" + name + "'.");
    std::string arguments = scripted.text();
    if (arguments.empty())
        arguments = text_of(arguments_for(get(*server->tool(name), "input_schema"), what.user_message));
    const bool asks = server->asks_for_approval(name);
    if (!asks) {
        co_await call_server(what, sink, *server, name, std::move(arguments), nullptr);
        co_return false;
    }
    json item;
    item["id"] = core_->make_id("mcpr_");
    item["type"] = "mcp_approval_request";
    item["arguments"] = std::move(arguments);
    item["name"] = name;
    item["server_label"] = server->label;
    co_await show_item(what, sink, std::move(item));
    co_return true;
}

asio::awaitable<void> responses::call_server(response& what, event_sink& sink, response_server& server,
                                             std::string name, std::string arguments, json approval) {
    json item;
    item["id"] = core_->make_id("mcp_");
    item["type"] = "mcp_call";
    item["approval_request_id"] = std::move(approval);
    item["arguments"] = "";
    item["error"] = nullptr;
    item["name"] = name;
    item["output"] = nullptr;
    item["server_label"] = server.label;
    json place;
    place["item_id"] = item["id"];
    recorded_mcp_request seen;
    seen.run_id = what.id;
    seen.server_label = server.label;
    seen.tool_call_id = get_string(item, "id");
    seen.headers = server.headers;
    const std::string url = server.url;
    const std::size_t index = co_await add_item(what, sink, std::move(item));
    place["output_index"] = index;
    co_await emit_of_item(what, sink, "response.mcp_call.in_progress", index);
    std::vector<std::string> whole{arguments};  // Not in pieces, as was seen.
    co_await emit_deltas(what, sink, "response.mcp_call_arguments.delta", std::move(place), std::move(whole));
    json done;
    done["arguments"] = arguments;
    co_await emit_of_item(what, sink, "response.mcp_call_arguments.done", index, std::move(done));
    what.object["output"][index]["arguments"] = arguments;

    mcp_answer answer;
    auto asked = call_into(answer, core_->mcp, core_->mcp_target(url, std::move(seen)), name, std::move(arguments));
    co_await meanwhile(what, sink, std::move(asked));
    const bool has_failed = answer.problem || answer.output.is_error;
    const std::string text =
        answer.problem ? "Error calling tool '" + name + "'. " + answer.problem->description() : answer.output.text;
    what.object["output"][index][has_failed ? "error" : "output"] = text;
    what.add_output(text);
    co_await emit_of_item(what, sink, has_failed ? "response.mcp_call.failed" : "response.mcp_call.completed", index);
    co_await finish_item(what, sink, index);
}

asio::awaitable<void> responses::call_tool(response& what, event_sink& sink, step scripted) {
    const std::string type = scripted.name();
    const call_form& form = form_of(type);
    const json given = json::parse(scripted.text());
    const json details = details_of(type, given, what.with_results);
    const std::string item_type = *form.type ? form.item_type : type + "_call";
    const std::string events = "response." + item_type + ".";
    const bool has_code = type == "code_interpreter";

    json item;
    item["id"] = core_->make_id(form.prefix);
    item["type"] = item_type;
    item["status"] = "in_progress";
    if (type.starts_with("web_search")) item["action"]["type"] = get(details["action"], "type");
    if (type == "file_search") item["queries"] = json::array();
    if (type == "file_search" || type == "image_generation")
        item[type == "file_search" ? "results" : "result"] = nullptr;
    if (has_code) {
        item["code"] = "";
        item["container_id"] = details["container_id"];
        item["outputs"] = nullptr;
    }
    json place;
    place["item_id"] = item["id"];
    const std::size_t index = co_await add_item(what, sink, std::move(item));
    place["output_index"] = index;
    for (std::size_t i = 0; i != form.events.size(); ++i) {
        const std::string name = form.events[i];
        // The code is written before it is run, and pictures are shown while they are made.
        if (has_code && name == "interpreting") {
            const auto [begin, rest] = halves_of(get_string(details, "code"));
            std::vector<std::string> pieces;
            for (const auto& piece : {begin, rest})
                if (!piece.empty()) pieces.push_back(piece);
            co_await emit_deltas(what, sink, "response.code_interpreter_call_code.delta", place, std::move(pieces));
            json code;
            code["code"] = details["code"];
            co_await emit_of_item(what, sink, "response.code_interpreter_call_code.done", index, std::move(code));
        }
        if (type == "image_generation" && name == "completed") {
            std::size_t number = 0;
            for (const auto& image : get(given, "partial_images")) {
                json partial;
                partial["partial_image_b64"] = image;
                partial["partial_image_index"] = number++;
                co_await emit_of_item(what, sink, "response.image_generation_call.partial_image", index,
                                      std::move(partial));
            }
        }
        co_await emit_of_item(what, sink, events + name, index);
    }
    what.object["output"][index].update(details);
    what.add_output(get(given, "output").is_string() ? get_string(given, "output") : text_of(given));
    co_await finish_item(what, sink, index);
}

asio::awaitable<void> responses::show_item(response& what, event_sink& sink, json item) {
    json whole;
    whole["id"] = get(item, "id").is_string() ? item["id"] : json(core_->make_id("item_"));
    whole["type"] = get(item, "type");
    whole.update(item);
    const std::size_t index = co_await add_item(what, sink, std::move(whole));
    co_await finish_item(what, sink, index);
}

asio::awaitable<void> responses::think(response& what, event_sink& sink, std::string summary) {
    json item;
    item["id"] = core_->make_id("rs_");
    item["type"] = "reasoning";
    item["summary"] = json::array();
    if (what.with_encrypted_reasoning) item["encrypted_content"] = "gAAAAA" + std::string(24, 'x');
    const std::size_t index = co_await add_item(what, sink, std::move(item));
    ++what.reasoning_tokens;
    if (!summary.empty()) {
        summary = filled_in(std::move(summary), what.user_message, what.outputs);
        json place, part, more;
        place["summary_index"] = 0;
        part["type"] = "summary_text";
        part["text"] = "";
        more = place;
        more["part"] = part;
        co_await emit_of_item(what, sink, "response.reasoning_summary_part.added", index, more);
        auto tokens = tokens_of(summary);
        what.reasoning_tokens += tokens.size();
        json of_delta;
        of_delta["item_id"] = get(what.object["output"][index], "id");
        of_delta["output_index"] = index;
        of_delta["summary_index"] = 0;
        co_await emit_deltas(what, sink, "response.reasoning_summary_text.delta", std::move(of_delta),
                             std::move(tokens));
        more = place;
        more["text"] = summary;
        co_await emit_of_item(what, sink, "response.reasoning_summary_text.done", index, more);
        part["text"] = std::move(summary);
        more = place;
        more["part"] = part;
        co_await emit_of_item(what, sink, "response.reasoning_summary_part.done", index, more);
        what.object["output"][index]["summary"].push_back(std::move(part));
    }
    co_await finish_item(what, sink, index);
}

/// True when it could be said to the end.
asio::awaitable<bool> responses::say(response& what, event_sink& sink, step scripted) {
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
    json item;
    item["id"] = core_->make_id("msg_");
    item["type"] = "message";
    item["status"] = "in_progress";
    item["content"] = json::array();
    item["role"] = "assistant";
    const std::size_t index = co_await add_item(what, sink, std::move(item));
    bool whole = true;
    for (std::size_t i = 0; i != parts.size() && whole; ++i)
        whole = co_await say_part(what, sink, index, i, parts[i], scripted.count());
    if (!whole) what.object["output"][index]["status"] = "incomplete";
    co_await finish_item(what, sink, index);
    if (whole) co_return true;
    co_await stage(what);
    what.object["incomplete_details"]["reason"] = "max_output_tokens";
    end(what, "incomplete");
    co_await emit_response(what, sink, "response.incomplete");
    co_return false;
}

asio::awaitable<bool> responses::say_part(response& what, event_sink& sink, std::size_t item, std::size_t index,
                                          json part, std::size_t count) {
    json place, more;
    place["content_index"] = index;
    const std::string id = get_string(what.object["output"][item], "id");
    const std::string type = get_string(part, "type");
    const bool is_text = type == "output_text", is_refusal = type == "refusal";
    if (!is_text && !is_refusal) {  // shown as it is
        more = place;
        more["part"] = part;
        co_await emit_of_item(what, sink, "response.content_part.added", item, more);
        co_await emit_of_item(what, sink, "response.content_part.done", item, more);
        what.object["output"][item]["content"].push_back(std::move(part));
        co_return true;
    }
    const char* text_name = is_text ? "text" : "refusal";
    const std::string event = is_text ? "response.output_text." : "response.refusal.";
    const json annotations = get(part, "annotations").is_array() ? part["annotations"] : json::array();
    std::vector<std::string> tokens;
    if (count == 0) {
        tokens = tokens_of(filled_in(get_string(part, text_name), what.user_message, what.outputs));
        count = tokens.size();
    }
    const json& limit = get(what.object, "max_output_tokens");
    bool whole = true;
    if (limit.is_number()) {
        const std::size_t most = limit.get<std::size_t>(), left = most - std::min(most, what.output_tokens);
        whole = count <= left;
        count = std::min(count, left);
    }
    if (is_text) part = text_part("");
    part[text_name] = "";
    more = place;
    more["part"] = part;
    co_await emit_of_item(what, sink, "response.content_part.added", item, std::move(more));

    // The delta is the hot event: only its number and its text change.
    const std::string before = R"({"type":")" + event + R"(delta","sequence_number":)";
    const std::string middle = R"(,"item_id":")" + id + R"(","output_index":)" + std::to_string(item) +
                               R"(,"content_index":)" + std::to_string(index) + R"(,"delta":)";
    const std::string after = is_text ? R"(,"logprobs":[])" : "";
    std::string said;
    const auto keep = [&] {
        part[text_name] = said;
        what.object["output"][item]["content"].push_back(part);
    };
    try {
        for (std::size_t i = 0; i != count; ++i) {
            const std::string token = tokens.empty() ? (i ? " token" : "token") + std::to_string(i) : tokens[i];
            said += token;
            ++what.output_tokens;
            const std::int64_t number = what.sequence_number++;
            if (what.retrievable_as_stream || sink.is_open()) {
                std::string data = before + std::to_string(number) + middle + text_of(token) + after;
                if (what.obfuscated) data += R"(,"obfuscation":")" + obfuscation_for(token) + '"';
                if (put(what, sink, event + "delta", frame_of(event + "delta", data + '}'), number))
                    co_await sink.flush();
            }
            if (core_->options.pace.count() > 0) {
                auto pace = wait_for(core_->context, core_->options.pace);
                co_await meanwhile(what, sink, std::move(pace));
            }
            if (what.ended()) throw interrupted{};
        }
    } catch (...) {
        keep();
        throw;
    }
    for (std::size_t i = 0; i != annotations.size() && whole; ++i) {
        json about = place;
        about["annotation_index"] = i;
        about["annotation"] = annotations[i];
        co_await emit_of_item(what, sink, "response.output_text.annotation.added", item, std::move(about));
        part["annotations"].push_back(annotations[i]);
    }
    keep();
    more = place;
    more[text_name] = said;
    if (is_text) more["logprobs"] = json::array();
    co_await emit_of_item(what, sink, event + "done", item, std::move(more));
    more = place;
    more["part"] = part;
    co_await emit_of_item(what, sink, "response.content_part.done", item, std::move(more));
    co_return whole;
}

}  // namespace corun::emulator
