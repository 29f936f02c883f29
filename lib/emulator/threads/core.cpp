#include "emulator/threads/core.hpp"

#include "emulator/http/refusal.hpp"

#include <algorithm>
#include <set>

namespace corun::emulator {
namespace {

json or_default(const json& body, const char* name, json otherwise) {
    const json& value = get(body, name);
    return value.is_null() ? std::move(otherwise) : value;
}

/// The members that `tool_resources` of one level have for MCP servers.
const json& mcp_of(const json& object) {
    return get(get(object, "tool_resources"), "mcp");
}

header_fields headers_of(const json& entry) {
    header_fields fields;
    const json& headers = get(entry, "headers");
    if (headers.is_object())
        for (const auto& [name, value] : headers.items()) fields.emplace_back(name, value.get<std::string>());
    return fields;
}

bool same_headers(const header_fields& a, const header_fields& b) {
    return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& field) {
               return std::any_of(b.begin(), b.end(), [&](const auto& other) {
                   return equal_ignoring_case(field.first, other.first) && field.second == other.second;
               });
           });
}

void set_header(header_fields& fields, const std::string& name, const std::string& value) {
    for (auto& [key, old] : fields)
        if (equal_ignoring_case(key, name)) {
            old = value;
            return;
        }
    fields.emplace_back(name, value);
}

const json* entry_for(const json& entries, const std::string& label) {
    if (entries.is_array())
        for (const auto& entry : entries)
            if (get_string(entry, "server_label") == label) return &entry;
    return nullptr;
}

bool conflicts(const json& narrow, const json& broad, conflict_when when) {
    if (narrow.empty() || broad.empty()) return false;
    if (when == conflict_when::any) return true;
    return std::any_of(narrow.begin(), narrow.end(), [&](const json& entry) {
        const json* other = entry_for(broad, get_string(entry, "server_label"));
        return other && !same_headers(headers_of(entry), headers_of(*other));
    });
}

/// What a message says, of all its text blocks.
std::string text_of_message(const json& message) {
    std::string text;
    for (const auto& block : get(message, "content"))
        if (get_string(block, "type") == "text") text += get_string(get(block, "text"), "value");
    return text;
}

}  // namespace

bool run::ended() const {
    const std::string now = status();
    return now == "completed" || now == "failed" || now == "cancelled" || now == "expired" || now == "incomplete";
}

std::shared_ptr<run> thread::active_run() const {
    for (const auto& [place, one] : runs.items())
        if (!one->ended()) return one;
    return nullptr;
}

bool mcp_binding::needs_approval(const std::string& tool, bool read_only) const {
    if (approval.is_string()) return approval != "never";
    const json& never = get(approval, "never");
    const json& names = never.is_array() ? never : get(never, "tool_names");
    if (names.is_array() && std::find(names.begin(), names.end(), tool) != names.end()) return false;
    return get(never, "read_only") != true || !read_only;
}

core::core(asio::io_context& io, service_options what) : context(io), options(std::move(what)), mcp(io.get_executor()) {
    if (!options.clock) options.clock = [] { return std::chrono::system_clock::now(); };
}

std::int64_t core::now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(options.clock().time_since_epoch()).count();
}

std::string core::make_id(const std::string& prefix) {
    // Looks like the service's, and is the same in every process: splitmix64 of a counter.
    static constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string id = prefix;
    std::uint64_t state = ++ids_;
    for (int i = 0; i != 24; ++i) {
        state += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        id += alphabet[(mixed ^ (mixed >> 31)) % alphabet.size()];
    }
    return id;
}

std::shared_ptr<record> core::add_message(thread& where, const json& body) {
    json content = json::array();
    const auto add_text = [&](const json& text) {
        json block;
        block["type"] = "text";
        block["text"]["value"] = text;
        block["text"]["annotations"] = json::array();
        content.push_back(std::move(block));
    };
    const json& given = get(body, "content");
    if (given.is_string()) add_text(given);
    if (given.is_array())
        for (const auto& block : given) {
            if (get_string(block, "type") == "text")
                add_text(get(block, "text"));
            else
                content.push_back(block);
        }

    json message;
    message["id"] = make_id("msg_");
    message["object"] = "thread.message";
    message["created_at"] = now();
    message["thread_id"] = where.id;
    message["status"] = "completed";
    message["incomplete_details"] = nullptr;
    message["completed_at"] = now();
    message["incomplete_at"] = nullptr;
    message["role"] = get(body, "role");
    message["content"] = std::move(content);
    message["assistant_id"] = nullptr;
    message["run_id"] = nullptr;
    message["attachments"] = or_default(body, "attachments", json::array());
    message["metadata"] = or_default(body, "metadata", json::object());
    auto added = std::make_shared<record>(std::move(message));
    where.messages.add(added);
    return added;
}

std::shared_ptr<run> core::create_run(agent& who, thread& where, const json& body, bool streaming) {
    const json& agent = who.object;
    const auto own_or_agents = [&](const char* name) { return or_default(body, name, get(agent, name)); };
    json instructions = own_or_agents("instructions");
    if (const std::string more = get_string(body, "additional_instructions"); !more.empty())
        instructions = instructions.is_string() ? instructions.get<std::string>() + more : more;

    json auto_truncation;
    auto_truncation["type"] = "auto";
    auto_truncation["last_messages"] = nullptr;

    json object;
    object["id"] = make_id("run_");
    object["object"] = "thread.run";
    object["created_at"] = now();
    object["assistant_id"] = who.id;
    object["thread_id"] = where.id;
    object["status"] = "queued";
    object["started_at"] = nullptr;
    object["expires_at"] = now() + options.run_lifetime.count();
    for (const char* name : {"cancelled_at", "failed_at", "completed_at", "required_action", "last_error"})
        object[name] = nullptr;
    object["model"] = own_or_agents("model");
    object["instructions"] = std::move(instructions);
    object["tools"] = own_or_agents("tools");
    for (auto& tool : object["tools"])
        if (get_string(tool, "type") == "mcp" && !tool.contains("allowed_tools")) tool["allowed_tools"] = nullptr;
    object["tool_resources"] = or_default(body, "tool_resources", json::object());
    object["metadata"] = or_default(body, "metadata", json::object());
    object["temperature"] = own_or_agents("temperature");
    object["top_p"] = own_or_agents("top_p");
    object["max_completion_tokens"] = get(body, "max_completion_tokens");
    object["max_prompt_tokens"] = get(body, "max_prompt_tokens");
    object["truncation_strategy"] = or_default(body, "truncation_strategy", std::move(auto_truncation));
    object["incomplete_details"] = nullptr;
    object["usage"] = nullptr;
    object["response_format"] = own_or_agents("response_format");
    object["tool_choice"] = or_default(body, "tool_choice", "auto");
    object["parallel_tool_calls"] = or_default(body, "parallel_tool_calls", true);

    auto made = std::make_shared<run>(std::move(object));
    bind_servers(*made, who, where, body, streaming);

    for (const auto& message : get(body, "additional_messages")) add_message(where, message);
    for (const auto& [place, message] : where.messages.items()) {
        const std::string text = text_of_message(message->object);
        made->prompt_tokens += words(text);
        if (get(message->object, "role") == "user") made->user_message = text;
    }
    ++who.runs;
    where.runs.add(made);
    return made;
}

void core::bind_servers(run& what, const agent& who, const thread& where, const json& body, bool streaming) {
    const json& tools = what.object["tools"];
    const json& of_run = mcp_of(body);
    const json& of_thread = mcp_of(where.object);
    const json& of_agent = mcp_of(who.object);

    std::vector<std::string> labels;
    for (const auto& tool : tools)
        if (get_string(tool, "type") == "mcp") labels.push_back(get_string(tool, "server_label"));
    for (std::size_t i = 0; i != of_run.size(); ++i)
        if (const std::string label = get_string(of_run[i], "server_label");
            std::find(labels.begin(), labels.end(), label) == labels.end())
            throw bad_request("No MCP tool with server label '" + label + "' is available to the run.",
                              "tool_resources.mcp[" + std::to_string(i) + "].server_label", "invalid_value");

    const auto reject = [&](rejection how, int status, const std::string& message) {
        if (how == rejection::http_error && status == 400) throw bad_request(message);
        if (how == rejection::http_error)
            throw refusal(status, error_envelope(went_wrong, "server_error", nullptr, "server_error"));
        what.fails_at_once.emplace("server_error", went_wrong);
    };
    const json& run_tools = get(body, "tools");
    if (streaming && !run_tools.empty() && !of_run.empty()) {
        const bool duplicates = std::set<std::string>(labels.begin(), labels.end()).size() != labels.size();
        if ((options.tools_with_resources == tools_with_resources::reject_on_reuse && who.runs > 0) ||
            (options.tools_with_resources == tools_with_resources::reject_duplicate_labels && duplicates))
            reject(options.tools_rejection, 400,
                   "'tools' and 'tool_resources.mcp' cannot both be given for a streaming run of this agent.");
    }
    if (options.precedence == precedence::conflict &&
        (conflicts(of_run, of_thread, options.conflict_when) || conflicts(of_run, of_agent, options.conflict_when)))
        reject(options.conflict_rejection, 500, went_wrong);

    std::size_t indexes = 0;
    for (const json* level : {&body, &where.object, &who.object})
        indexes += get(get(get(*level, "tool_resources"), "azure_ai_search"), "indexes").size();
    if (options.precedence != precedence::narrowest && indexes > 1)
        what.fails_at_once.emplace("tool_user_error",
                                   "Error: search_too_many_indexes; Too many indexes configured for Azure AI Search "
                                   "tool. Only one index can be attached to either the agent, thread, or run.");

    if (get(what.object, "tool_choice") == "none") return;
    for (const auto& tool : tools) {
        if (get_string(tool, "type") != "mcp") continue;
        mcp_binding server;
        server.label = get_string(tool, "server_label");
        server.url = get_string(tool, "server_url");
        server.allowed = get(tool, "allowed_tools");
        bool has_headers = false;
        for (const json* level : {&of_run, &of_thread, &of_agent}) {
            const json* entry = entry_for(*level, server.label);
            if (!entry) continue;
            const bool stored = level != &of_run;
            if (server.approval.is_null() && (!stored || options.agent_level_approval_effective))
                server.approval = get(*entry, "require_approval");
            if (stored && !options.stored_headers_effective) continue;
            if (has_headers && options.precedence != precedence::merge) continue;
            header_fields merged = headers_of(*entry);
            for (const auto& [name, value] : server.headers) set_header(merged, name, value);
            server.headers = std::move(merged);
            has_headers = true;
        }
        what.servers.push_back(std::move(server));
    }
}

void core::set_status(run& what, const std::string& status) {
    json& object = what.object;
    object["status"] = status;
    if (status != "requires_action") object["required_action"] = nullptr;
    if (status == "in_progress" && object["started_at"].is_null()) object["started_at"] = now();
    if (!what.ended()) return;
    object["expires_at"] = nullptr;
    if (status != "expired" && status != "incomplete") object[status + "_at"] = now();
    if (status == "incomplete") object["completed_at"] = now();
    json usage;
    usage["prompt_tokens"] = what.prompt_tokens;
    usage["completion_tokens"] = what.completion_tokens;
    usage["total_tokens"] = what.prompt_tokens + what.completion_tokens;
    usage["prompt_token_details"]["cached_tokens"] = 0;
    object["usage"] = std::move(usage);
}

std::shared_ptr<record> core::new_step(run& what, const std::string& type, json details) {
    json object;
    object["id"] = make_id("step_");
    object["object"] = "thread.run.step";
    object["type"] = type;
    for (const char* name : {"assistant_id", "thread_id"}) object[name] = get(what.object, name);
    object["run_id"] = what.id;
    object["status"] = "in_progress";
    object["step_details"] = std::move(details);
    object["last_error"] = nullptr;
    object["created_at"] = now();
    for (const char* name : {"expired_at", "completed_at", "cancelled_at", "failed_at", "usage"})
        object[name] = nullptr;
    object["metadata"] = json::object();
    auto made = std::make_shared<record>(std::move(object));
    what.steps.add(made);
    return made;
}

std::shared_ptr<record> core::new_message(run& what) {
    json object;
    object["id"] = make_id("msg_");
    object["object"] = "thread.message";
    object["created_at"] = now();
    for (const char* name : {"assistant_id", "thread_id"}) object[name] = get(what.object, name);
    object["run_id"] = what.id;
    object["status"] = "in_progress";
    for (const char* name : {"incomplete_details", "incomplete_at", "completed_at"}) object[name] = nullptr;
    object["role"] = "assistant";
    object["content"] = json::array();
    object["attachments"] = json::array();
    object["metadata"] = json::object();
    auto made = std::make_shared<record>(std::move(object));
    threads.find(get_string(what.object, "thread_id"))->messages.add(made);
    return made;
}

void core::end_step(record& what, const std::string& status) {
    what.object["status"] = status;
    what.object[status + "_at"] = now();
}

void core::expire(run& what) {
    const json& until = get(what.object, "expires_at");
    if (what.ended() || !until.is_number() || now() < until.get<std::int64_t>()) return;
    if (what.step_under_way) end_step(*what.step_under_way, "expired");
    if (what.message_under_way) {
        what.message_under_way->object["status"] = "incomplete";
        what.message_under_way->object["incomplete_at"] = now();
        what.message_under_way->object["incomplete_details"]["reason"] = "run_expired";
    }
    set_status(what, "expired");
    if (what.interrupt) what.interrupt->emit(asio::cancellation_type::terminal);
}

void core::was_read(run& what) {
    what.was_read = true;
    if (what.next_stage) what.next_stage->cancel();
}

void core::stop() {
    stopped = true;
    for (const auto& [place, where] : threads.items())
        for (const auto& [run_place, one] : where->runs.items())
            if (one->interrupt) one->interrupt->emit(asio::cancellation_type::terminal);
}

json core::shown(const record& what) const {
    json object = what.object;
    if (options.echo_headers == echo_headers::full) return object;
    const auto resources = object.find("tool_resources");
    if (resources == object.end() || !resources->is_object() || !resources->contains("mcp")) return object;
    for (auto& entry : (*resources)["mcp"]) {
        if (options.echo_headers == echo_headers::never)
            entry.erase("headers");
        else if (entry.contains("headers"))
            for (auto& value : entry["headers"]) value = "***";
    }
    return object;
}

json core::shown(const run& what) const {
    json object = shown(static_cast<const record&>(what));
    if (options.echo_headers == echo_headers::never) object["tool_resources"] = json::object();
    if (!options.null_required_action && object["required_action"].is_null()) object.erase("required_action");
    return object;
}

void redact(json& tool, echo_headers how) {
    if (how == echo_headers::full) return;
    if (how == echo_headers::never && tool.contains("authorization")) tool.erase("authorization");
    if (how == echo_headers::redacted && tool.contains("authorization")) tool["authorization"] = "***";
    if (!get(tool, "headers").is_object()) return;
    if (how == echo_headers::never)
        tool["headers"] = nullptr;
    else
        for (auto& value : tool["headers"]) value = "***";
}

void drop_results(json& step_details) {
    if (!step_details.contains("tool_calls")) return;
    for (auto& call : step_details["tool_calls"])
        if (call.contains("file_search") && call["file_search"].contains("results"))
            for (auto& result : call["file_search"]["results"]) result.erase("content");
}

json core::shown_step(const record& what, bool with_results) const {
    json object = what.object;
    if (!with_results) drop_results(object["step_details"]);
    return object;
}

json core::shown_in_stream(const run& what, const record& of) const {
    // Streams say when a step expires, listings when it expired.
    json object;
    const json step = shown_step(of, what.with_results);
    for (const auto& [key, value] : step.items())
        if (key == "expired_at" && options.expires_at_in_streamed_steps)
            object["expires_at"] = get(what.object, "expires_at");
        else
            object[key] = value;
    return object;
}

}  // namespace corun::emulator
