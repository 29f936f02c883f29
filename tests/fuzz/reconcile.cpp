// Fuzzes reconciliation: whatever agent, thread and run hold, a plan is one that the service accepts and
// the run's policy allows, and no header goes where it was not meant to go. The input is a list of
// instructions that build what is reconciled.
#include "protocol/threads/reconcile.hpp"

#include "fuzz.hpp"
#include "protocol/threads/codec.hpp"
#include "text/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using corun::fuzz::require;
using corun::fuzz::source;
using corun::fuzz::succeeds;
using json = nlohmann::json;

/// In every header value, so that it is found where it must not be.
constexpr std::string_view mark = "s3cr3t";

template <std::size_t Size>
const char* one_of(source& from, const char* const (&choices)[Size]) {
    return choices[from.number(Size - 1)];
}

std::string label(source& from) {
    return one_of(from, {"a", "b", "c", "bookings", "A", "", "x\ny", "\xff", "'"});
}

std::string url(source& from) {
    return one_of(from, {"https://a.example/mcp", "https://b.example", "http://127.0.0.1:1/mcp", "http://10.0.0.1/mcp",
                         "http://localhost", "ftp://a.example", ""});
}

std::vector<std::string> names(source& from) {
    std::vector<std::string> all;
    for (std::size_t count = from.number(2); count > 0; --count) all.emplace_back(one_of(from, {"x", "y", "\xff"}));
    return all;
}

mcp_approval approval(source& from) {
    const std::size_t kind = from.number(2);
    if (kind == 0) return mcp_approval::always();
    if (kind == 1) return mcp_approval::never();
    std::vector<std::string> always = names(from);
    return mcp_approval::by_tool(std::move(always), names(from));
}

headers fields(source& from) {
    headers made;
    for (std::size_t count = from.number(3); count > 0; --count) {
        std::string name = one_of(from, {"Authorization", "authorization", "X-Tenant", "X Y", "", "X\r\nY"});
        std::string value = std::string(mark) + one_of(from, {"", "1", "2", "\r\nX: y", " ", "\xff", "\xc3\xa9"});
        if (from.flag()) value = "Bearer " + value;
        made.add(header(std::move(name), secret(std::move(value))));
    }
    return made;
}

tool any_tool(source& from) {
    const std::size_t kind = from.number(4);
    if (kind <= 1) {
        std::string name = label(from), at = url(from);
        return mcp_tool(std::move(name), std::move(at), names(from));
    }
    if (kind == 2) {
        std::string name = one_of(from, {"f", "g", "", "\xff"});
        return function_tool(std::move(name), "", one_of(from, {"", "{}", R"({"type":"object"})", "[", "1"}));
    }
    if (kind == 3) return code_interpreter();
    std::string type = one_of(from, {"openapi", "file_search", "mcp", "function", "azure_function"});
    std::string text = one_of(from, {R"({"type":"openapi"})", R"({"type":"file_search"})", "{", "[]", ""});
    return json_tool(std::move(type), std::move(text), one_of(from, {"", "n", "m"}));
}

tool_resources resources(source& from) {
    tool_resources made;
    for (std::size_t count = from.number(2); count > 0; --count) {
        mcp_tool_resource entry(label(from));
        entry.headers = fields(from);
        if (from.flag()) entry.require_approval = approval(from);
        made.mcp.push_back(std::move(entry));
    }
    if (from.flag()) {
        const std::string kind = one_of(from, {"file_search", "code_interpreter", "mcp", "\xff"});
        made.other[kind] = one_of(from, {"{}", R"({"file_ids":["f"]})", "[", ""});
    }
    return made;
}

reconcile::input build(source& from) {
    reconcile::input made;
    made.agent.id = "asst_1";
    made.agent.model = "gpt-4o";
    if (from.flag()) made.mode = reconcile::mode::polling;
    if (from.flag()) made.thread.emplace();
    reconcile_policy& policy = made.options.reconcile;
    const std::uint8_t allowed = from.byte();
    policy.ephemeral_agent = (allowed & 1) != 0;
    policy.polling = (allowed & 2) != 0;
    policy.approval_headers = (allowed & 4) != 0;
    policy.detach_from_agent = (allowed & 8) != 0;
    policy.detach_from_thread = (allowed & 16) != 0;
    while (!from.empty()) {
        std::string name;
        switch (from.number(7)) {
            case 0:
            case 1:
                made.agent.tools.push_back(any_tool(from));
                break;
            case 2:
                made.options.tools.push_back(any_tool(from));
                break;
            case 3:
                name = label(from);
                made.headers.set(std::move(name), fields(from));
                break;
            case 4:
                name = label(from);
                made.options.require_approval.insert_or_assign(std::move(name), approval(from));
                break;
            case 5:
                made.options.default_approval = approval(from);
                break;
            case 6:
                if (from.flag())
                    made.agent.tool_resources = resources(from);
                else
                    made.thread = resources(from);
                break;
            case 7:
                name = one_of(from, {"f", "g", ""});
                made.options.functions.emplace_back(name, "", "{}", [](const function_call&) { return std::string(); });
                if (from.number(9) == 0) made.options.functions.back().handler = nullptr;
        }
    }
    return made;
}

void require_hidden(std::string_view text, const char* what) {
    require(text.find(mark) == text.npos, what);
}

bool same(const headers& a, const headers& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const header& one, const header& other) {
        return one.name == other.name && one.value == other.value;
    });
}

codec::threads::run_request request_of(const reconcile::input& what, const reconcile::plan& plan) {
    codec::threads::run_request request;
    request.agent_id = what.agent.id;
    request.creates_thread = !what.thread;
    request.stream = what.mode == reconcile::mode::streaming && !plan.polls;
    request.tools = plan.tools;
    request.tool_resources = plan.tool_resources;
    request.options = what.options;
    return request;
}

std::string text_of(const reconcile_report& report) {
    std::ostringstream text;
    text << report;
    return text.str();
}

/// The headers of an entry are those of the run, for a server of the run that may have them.
void require_meant(const reconcile::input& what, const reconcile::plan& plan, const mcp_tool_resource& entry) {
    const auto server = std::find_if(plan.servers.begin(), plan.servers.end(),
                                     [&](const mcp_tool& each) { return each.server_label == entry.server_label; });
    require(server != plan.servers.end(), "an entry is for a server of the run");
    if (entry.headers.empty()) return;
    const headers* given = what.headers.find(entry.server_label);
    require(given != nullptr && same(*given, entry.headers), "a server gets its own headers");
    const auto at = detail::parse_url(server->server_url);
    require(at && detail::may_carry_credentials(*at), "headers go where they are safe");
    for (const header& field : entry.headers)
        require(is_header_name(field.name) && is_header_value(field.value.reveal()), "headers are such");
}

void require_allowed(const reconcile::input& what, const reconcile::plan& plan) {
    const reconcile_policy& policy = what.options.reconcile;
    const bool has_entries = !plan.tool_resources.mcp.empty();
    const bool streams = what.mode == reconcile::mode::streaming;
    require(!plan.detach_from_agent || policy.detach_from_agent, "the policy lets it detach from the agent");
    require(!plan.detach_from_thread || policy.detach_from_thread, "the policy lets it detach from the thread");
    require(!plan.ephemeral_agent || (policy.ephemeral_agent && streams), "the policy lets it copy the agent");
    require(!plan.polls || (policy.polling && streams), "the policy lets it poll");
    require(!plan.ephemeral_agent || !plan.tools, "a copy of the agent has the tools");
    require(!(streams && !plan.polls && plan.tools && has_entries), "tools and entries do not come in one stream");
    require(!has_entries || what.agent.tool_resources.mcp.empty() || plan.detach_from_agent || plan.ephemeral_agent,
            "entries do not clash with the agent's");
    require(!has_entries || !what.thread || what.thread->mcp.empty() || plan.detach_from_thread,
            "entries do not clash with the thread's");
    require(plan.tool_resources.other.empty(), "other resources are not sent again");
    if (plan.ephemeral_agent) require(plan.ephemeral_agent->tool_resources.mcp.empty(), "a copy stores no entries");
    for (const auto& [name, given] : what.headers) {
        const bool sent =
            std::any_of(plan.tool_resources.mcp.begin(), plan.tool_resources.mcp.end(),
                        [&, wanted = std::string_view(name)](const auto& each) { return each.server_label == wanted; });
        require(given.empty() || sent || (policy.approval_headers && plan.tools), "no headers are lost");
    }
}

void require_sendable(const reconcile::input& what, const reconcile::plan& plan) {
    const codec::threads::run_request request = request_of(what, plan);
    codec::encoded_request encoded;
    if (!succeeds([&] { encoded = codec::threads::encode_run(request); })) return;
    const json sent = json::parse(encoded.body.reveal());
    require(!(sent["stream"] == true && sent.contains("tools") && sent.contains("tool_resources")),
            "a body that streams has tools or entries");
    require_hidden(encoded.shown, "a body that is shown hides header values");
    if (plan.ephemeral_agent)
        (void)succeeds([&] {
            require_hidden(codec::threads::encode_agent(*plan.ephemeral_agent).reveal(), "a copy stores no headers");
        });
}

}  // namespace

void fuzz_one(std::string_view input) {
    source from(input);
    const reconcile::input what = build(from);
    reconcile::plan plan;
    try {
        plan = reconcile::make_plan(what);
    } catch (const error& refused) {
        require_hidden(refused.what(), "a refusal hides header values");
        std::string again;
        try {
            (void)reconcile::make_plan(what);
        } catch (const error& second) {
            again = second.what();
        }
        require(again == refused.what(), "the same is refused the same way");
        return;
    }
    std::set<std::string> labels;
    for (const mcp_tool_resource& entry : plan.tool_resources.mcp) {
        require(labels.insert(entry.server_label).second, "a label has one entry");
        require_meant(what, plan, entry);
    }
    require_allowed(what, plan);
    require(!plan.report.lines().empty(), "there is a report");
    require_hidden(text_of(plan.report), "a report hides header values");
    require_sendable(what, plan);

    const reconcile::plan again = reconcile::make_plan(what);
    require(text_of(again.report) == text_of(plan.report) && again.tools == plan.tools &&
                again.servers == plan.servers && again.polls == plan.polls &&
                again.tool_resources.mcp.size() == plan.tool_resources.mcp.size(),
            "the same input gives the same plan");

    for (const mcp_tool& server : plan.servers) {
        headers given;
        if (!succeeds(
                [&] { given = reconcile::headers_for_approval(what.headers, plan.servers, server.server_label); }))
            continue;
        const headers* own = what.headers.find(server.server_label);
        require(own == nullptr ? given.empty() : same(given, *own), "an approval has the headers of its server");
    }
}
