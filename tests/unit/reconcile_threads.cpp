#include "protocol/threads/reconcile.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using corun::errc;
using corun::mcp_approval;
using corun::reconcile::input;
using corun::reconcile::make_plan;
using corun::reconcile::mode;
using corun::reconcile::plan;

corun::tool server(std::string label, std::vector<std::string> allowed_tools = {}) {
    return corun::mcp_tool(label, "https://" + label + ".example/mcp", std::move(allowed_tools));
}

corun::tool function(std::string name, std::string description = "Does it.") {
    return corun::function_tool(std::move(name), std::move(description), "{}");
}

corun::mcp_tool_resource stored_entry(std::string label, std::optional<mcp_approval> approval = {}) {
    corun::mcp_tool_resource entry(std::move(label));
    entry.headers.set("Authorization", "stale");
    entry.require_approval = std::move(approval);
    return entry;
}

/// From their names, as `shown` writes them: "mcp:L function:f".
std::vector<corun::tool> tools_named(const char* names) {
    std::vector<corun::tool> made;
    std::istringstream words(names);
    for (std::string word; words >> word;) {
        const std::string name = word.substr(word.find(':') + 1);
        made.push_back(word.starts_with("mcp:") ? server(name) : function(name));
    }
    return made;
}

// --- an input, built in one expression -------------------------------------------------------

struct request {
    input value;

    request& agent(const char* names) { return agent(tools_named(names)); }
    request& agent(std::vector<corun::tool> tools) {
        value.agent.id = "asst_1";
        value.agent.tools = std::move(tools);
        return *this;
    }
    request& agent_stores(corun::mcp_tool_resource entry) {
        value.agent.tool_resources.mcp.push_back(std::move(entry));
        return *this;
    }
    request& agent_stores_other(std::string kind) {
        value.agent.tool_resources.other[std::move(kind)] = "{}";
        return *this;
    }
    request& in_thread() {
        if (!value.thread) value.thread.emplace();
        return *this;
    }
    request& thread_stores(corun::mcp_tool_resource entry) {
        in_thread().value.thread->mcp.push_back(std::move(entry));
        return *this;
    }
    request& thread_stores_other(std::string kind) {
        in_thread().value.thread->other[std::move(kind)] = "{}";
        return *this;
    }
    request& with(std::string label, std::string name = "Authorization", std::string text = "Bearer fresh") {
        value.headers.set(std::move(label), std::move(name), std::move(text));
        return *this;
    }
    request& tools(const char* names) { return tools(tools_named(names)); }
    request& tools(std::vector<corun::tool> tools) {
        value.options.tools = std::move(tools);
        return *this;
    }
    request& approve(std::string label, mcp_approval approval) {
        value.options.require_approval.insert_or_assign(std::move(label), std::move(approval));
        return *this;
    }
    request& approve_all(mcp_approval approval) {
        value.options.default_approval = std::move(approval);
        return *this;
    }
    request& functions(const char* names) {
        std::istringstream words(names);
        for (std::string name; words >> name;)
            value.options.functions.emplace_back(name, "Does it.", "{}",
                                                 [](const corun::function_call&) { return ""; });
        return *this;
    }
    request& polling() {
        value.mode = mode::polling;
        return *this;
    }
    request& allow(bool corun::reconcile_policy::*way) {
        value.options.reconcile.*way = true;
        return *this;
    }
};

// --- a plan, as a line that can be compared --------------------------------------------------

std::string shown(const mcp_approval& approval) {
    const auto names = [](const std::vector<std::string>& tools) {
        std::string joined;
        for (const std::string& name : tools) joined += ' ' + name;
        return joined;
    };
    switch (approval.type()) {
        case mcp_approval::kind::always:
            return "always";
        case mcp_approval::kind::never:
            return "never";
        case mcp_approval::kind::by_tool:
            break;
    }
    return "always:" + names(approval.always_tools()) + " never:" + names(approval.never_tools());
}

std::string shown(const corun::tool& value) {
    if (const auto* mcp = std::get_if<corun::mcp_tool>(&value)) return "mcp:" + mcp->server_label;
    if (const auto* function = std::get_if<corun::function_tool>(&value)) return "function:" + function->name;
    return std::string(corun::type_of(value));
}

std::string shown(const plan& value) {
    std::ostringstream out;
    if (value.detach_from_agent) out << "detach from agent; ";
    if (value.detach_from_thread) out << "detach from thread; ";
    if (value.polls) out << "poll; ";
    if (value.ephemeral_agent) {
        out << "copy";
        for (const corun::tool& tool : value.ephemeral_agent->tools) out << ' ' << shown(tool);
        for (const auto& [kind, json] : value.ephemeral_agent->tool_resources.other) out << " (" << kind << ')';
        out << "; ";
    }
    if (value.tools) {
        out << "tools";
        for (const corun::tool& tool : *value.tools) out << ' ' << shown(tool);
        out << "; ";
    }
    for (const auto& [kind, json] : value.tool_resources.other) out << "other " << kind << "; ";
    for (const corun::mcp_tool_resource& entry : value.tool_resources.mcp) {
        out << entry.server_label << " {";
        for (const corun::header& field : entry.headers) out << field.name << ": " << field.value.reveal() << ", ";
        out << (entry.require_approval ? shown(*entry.require_approval) : "-") << "}; ";
    }
    out << "rows";
    for (const auto& line : value.report.lines()) out << ' ' << line.row;
    return out.str();
}

/// The plan, or the error: its code's name would need a table, so its sentence stands for it.
std::string outcome(const input& what) {
    try {
        return shown(make_plan(what));
    } catch (const corun::error& e) {
        return "error " + e.code().message();
    }
}

std::string error_of(errc code) {
    return "error " + make_error_code(code).message();
}

std::string message_of(const input& what) {
    try {
        make_plan(what);
    } catch (const corun::error& e) {
        return e.details().message;
    }
    return "no error";
}

request on(const char* agent_tools) {
    return request().agent(agent_tools);
}

request on(std::vector<corun::tool> tools) {
    return request().agent(std::move(tools));
}

const mcp_approval by_tool = mcp_approval::by_tool({"write"}, {"read"});
const mcp_approval exempting_none = mcp_approval::by_tool({"write"}, {});

void expect(const char* what_it_shows, const request& what, const std::string& expected) {
    BOOST_TEST_CONTEXT(what_it_shows) {
        BOOST_TEST(outcome(what.value) == expected);
    }
}

void expect_message(const request& what, const std::string& expected) {
    BOOST_TEST(message_of(what.value) == expected);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reconcile_threads)

BOOST_AUTO_TEST_CASE(row_1_adds_only_what_is_asked) {
    expect("nothing asked, nothing sent", on("mcp:L"), "rows 1");
    expect("nothing asked of an agent without tools", on(""), "rows 1");
    expect("the service's default approval is not said", on("mcp:L").approve("L", mcp_approval::always()), "rows 1");
    expect("nor is one that exempts no tool", on("mcp:L").approve("L", exempting_none), "rows 1");
    expect("another approval is", on("mcp:L").approve("L", mcp_approval::never()), "L {never}; rows 1 14");
    expect("by tool as well", on("mcp:L").approve("L", by_tool), "L {always: write never: read}; rows 1 14");
    expect("a default approval is for all servers", on("mcp:L mcp:M").approve_all(mcp_approval::never()),
           "L {never}; M {never}; rows 1 1 14");
    expect("that of a server stands over the default",
           on("mcp:L mcp:M").approve_all(mcp_approval::never()).approve("M", mcp_approval::always()),
           "L {never}; rows 1 14");
    expect("a default approval without servers asks for nothing", on("function:f").approve_all(mcp_approval::never()),
           "rows 1");
    expect("new tools alone come with the agent's", on("mcp:L function:f").tools("function:g"),
           "tools mcp:L function:f function:g; rows 1");
    expect("the same when polling", on("mcp:L").tools("function:g").polling(), "tools mcp:L function:g; rows 1");
    expect("a new server without headers too", on("mcp:L").tools("mcp:M"), "tools mcp:L mcp:M; rows 1");
    expect("to an agent without tools", on("").tools("function:g"), "tools function:g; rows 1");
    expect("known tools alone are left out", on("function:f").tools("function:f"), "rows 9");
}

BOOST_AUTO_TEST_CASE(row_2_puts_headers_on_the_run) {
    expect("headers of the agent's server", on("mcp:L").in_thread().with("L"),
           "L {Authorization: Bearer fresh, -}; rows 2");
    expect("the same when polling", on("mcp:L").in_thread().with("L").polling(),
           "L {Authorization: Bearer fresh, -}; rows 2");
    expect("several headers, in order", on("mcp:L").in_thread().with("L").with("L", "X-Tenant", "acme"),
           "L {Authorization: Bearer fresh, X-Tenant: acme, -}; rows 2");
    expect("several servers, in the agent's order", on("mcp:M mcp:L").in_thread().with("L").with("M"),
           "M {Authorization: Bearer fresh, -}; L {Authorization: Bearer fresh, -}; rows 2 2");
    expect("with an approval", on("mcp:L").in_thread().with("L").approve("L", mcp_approval::never()),
           "L {Authorization: Bearer fresh, never}; rows 2");
    expect("with the service's default approval, said",
           on("mcp:L").in_thread().with("L").approve_all(mcp_approval::always()),
           "L {Authorization: Bearer fresh, always}; rows 2");
}

BOOST_AUTO_TEST_CASE(row_3_leaves_out_a_server_that_the_agent_defines) {
    expect("the same server tool again", on("mcp:L").in_thread().with("L").tools("mcp:L"),
           "L {Authorization: Bearer fresh, -}; rows 3 2");
    expect("allowed tools in another order are the same",
           on({server("L", {"c", "a", "b"})}).in_thread().with("L").tools({server("L", {"b", "c", "a"})}),
           "L {Authorization: Bearer fresh, -}; rows 3 2");
    expect("other allowed tools", on({server("L", {"a"})}).with("L").tools({server("L", {"a", "b"})}),
           error_of(errc::conflicting_tool_definition));
    expect("another URL", on("mcp:L").tools({corun::mcp_tool("L", "https://other.example/mcp")}),
           error_of(errc::conflicting_tool_definition));
}

BOOST_AUTO_TEST_CASE(row_4_adds_approvals_of_other_servers) {
    expect("headers for one server, an approval for another",
           on("mcp:L mcp:M mcp:N").in_thread().with("L").approve("M", mcp_approval::never()),
           "L {Authorization: Bearer fresh, -}; M {never}; rows 2 4");
    expect("the other wants the service's default",
           on("mcp:L mcp:M").in_thread().with("L").approve("M", mcp_approval::always()),
           "L {Authorization: Bearer fresh, -}; rows 2");
}

BOOST_AUTO_TEST_CASE(row_5_refuses_a_second_level_beside_the_agent) {
    expect("the agent stores entries", on("mcp:L").agent_stores(stored_entry("L")).with("L"),
           error_of(errc::agent_level_mcp_resources));
    expect("for another server", on("mcp:L mcp:M").agent_stores(stored_entry("M")).with("L"),
           error_of(errc::agent_level_mcp_resources));
    expect("when polling too", on("mcp:L").agent_stores(stored_entry("L")).with("L").polling(),
           error_of(errc::agent_level_mcp_resources));
    expect("an approval is an entry too",
           on("mcp:L").agent_stores(stored_entry("L")).approve("L", mcp_approval::never()),
           error_of(errc::agent_level_mcp_resources));
    expect("as is the default, where the stored one is laxer",
           on("mcp:L").agent_stores(stored_entry("L", mcp_approval::never())).approve_all(mcp_approval::always()),
           error_of(errc::agent_level_mcp_resources));
    expect("comes before 11", on("mcp:L").agent_stores(stored_entry("L")).with("L").tools("function:g"),
           error_of(errc::agent_level_mcp_resources));
}

BOOST_AUTO_TEST_CASE(row_6_refuses_a_second_level_beside_the_thread) {
    expect("the thread stores entries", on("mcp:L").thread_stores(stored_entry("L")).with("L"),
           error_of(errc::thread_level_mcp_resources));
    expect("the default approval, where the stored one is laxer",
           on("mcp:L").thread_stores(stored_entry("L", by_tool)).approve("L", mcp_approval::always()),
           error_of(errc::thread_level_mcp_resources));
    expect("the agent's are named first",
           on("mcp:L").agent_stores(stored_entry("L")).thread_stores(stored_entry("L")).with("L"),
           error_of(errc::agent_level_mcp_resources));
}

BOOST_AUTO_TEST_CASE(row_7_leaves_stored_entries_alone) {
    expect("stored entries are left alone", on("mcp:L").agent_stores(stored_entry("L")), "rows 7");
    expect("on the thread too", on("mcp:L").agent_stores(stored_entry("L")).thread_stores(stored_entry("L")),
           "rows 7 7");
    expect("the default approval adds nothing to stored entries without one",
           on("mcp:L").agent_stores(stored_entry("L")).approve_all(mcp_approval::always()), "rows 7");
    expect("beside new tools", on("mcp:L").agent_stores(stored_entry("L")).tools("function:g"),
           "tools mcp:L function:g; rows 7 1");
}

BOOST_AUTO_TEST_CASE(row_8_does_not_send_other_resources_again) {
    expect("other stored resources are not sent again",
           on({server("L"), corun::json_tool("file_search", "{}")})
               .agent_stores_other("file_search")
               .thread_stores_other("code_interpreter")
               .with("L"),
           "L {Authorization: Bearer fresh, -}; rows 2 8 8");
    expect("nor without entries", on("mcp:L").agent_stores_other("file_search"), "rows 1");
}

BOOST_AUTO_TEST_CASE(row_9_leaves_out_tools_that_the_agent_has) {
    expect("functions that the agent has", on("mcp:L function:f").in_thread().with("L").tools("function:f"),
           "L {Authorization: Bearer fresh, -}; rows 9 2");
    expect("by their name", on("mcp:L function:f").in_thread().with("L").tools({function("f", "Does more.")}),
           "L {Authorization: Bearer fresh, -}; rows 9 2");
    expect("others by their type",
           on({server("L"), corun::json_tool("file_search", R"({"type":"file_search"})")})
               .in_thread()
               .with("L")
               .tools({corun::json_tool("file_search", R"({ "type": "file_search" })")}),
           "L {Authorization: Bearer fresh, -}; rows 9 2");
    expect("of a type that repeats, by their name",
           on({corun::json_tool("openapi", R"({"openapi":{"name":"a"}})", "a")})
               .tools({corun::json_tool("openapi", R"({"openapi": {"name": "a"}})", "a"),
                       corun::json_tool("openapi", R"({"openapi":{"name":"b"}})", "b")}),
           "tools openapi openapi; rows 9 1");
    expect("of a type that repeats, another is new",
           on({corun::json_tool("openapi", R"({"a":1})")})
               .tools({corun::json_tool("openapi", R"({"a":2})"), corun::json_tool("openapi", R"({"a":1})")}),
           "tools openapi openapi; rows 9 1");
}

BOOST_AUTO_TEST_CASE(row_10_sends_all_tools_when_polling) {
    expect("new functions when polling",
           on("mcp:L function:f").in_thread().with("L").tools("function:f function:g").polling(),
           "tools mcp:L function:f function:g; L {Authorization: Bearer fresh, -}; rows 9 2 10");
}

BOOST_AUTO_TEST_CASE(row_11_refuses_new_tools_beside_entries_when_streaming) {
    expect("new functions when streaming", on("mcp:L").with("L").tools("function:g"),
           error_of(errc::tools_with_mcp_headers_streaming));
    expect("an approval is enough", on("mcp:L").approve_all(mcp_approval::never()).tools("function:g"),
           error_of(errc::tools_with_mcp_headers_streaming));
}

BOOST_AUTO_TEST_CASE(row_12_takes_a_new_server_when_polling_only) {
    expect("a new server when streaming", on("").tools("mcp:L").with("L"), error_of(errc::mcp_tool_not_on_agent));
    expect("a new server when polling", on("").tools("mcp:L").with("L").in_thread().polling(),
           "tools mcp:L; L {Authorization: Bearer fresh, -}; rows 2 12");
    expect("the agent's server comes first", on("mcp:M").tools("mcp:L").with("L").with("M").in_thread().polling(),
           "tools mcp:M mcp:L; M {Authorization: Bearer fresh, -}; L {Authorization: Bearer fresh, -}; rows 2 2 12");
}

BOOST_AUTO_TEST_CASE(rows_5_and_6_detach_where_allowed) {
    using corun::reconcile_policy;
    const auto agent_entry = [](std::optional<mcp_approval> approval = {}) {
        return on("mcp:L").in_thread().agent_stores(stored_entry("L", std::move(approval)));
    };
    expect("from the agent", agent_entry().with("L").allow(&reconcile_policy::detach_from_agent),
           "detach from agent; L {Authorization: Bearer fresh, -}; rows 5 2");
    expect("the approval stored there goes with the run",
           agent_entry(mcp_approval::never()).with("L").allow(&reconcile_policy::detach_from_agent),
           "detach from agent; L {Authorization: Bearer fresh, never}; rows 5 2");
    expect(
        "unless the run says otherwise",
        agent_entry(mcp_approval::never()).with("L").approve("L", by_tool).allow(&reconcile_policy::detach_from_agent),
        "detach from agent; L {Authorization: Bearer fresh, always: write never: read}; rows 5 2");
    expect("from the thread",
           on("mcp:L").thread_stores(stored_entry("L", by_tool)).with("L").allow(&reconcile_policy::detach_from_thread),
           "detach from thread; L {Authorization: Bearer fresh, always: write never: read}; rows 6 2");
    expect("from both, the thread's approval first",
           agent_entry(mcp_approval::never())
               .thread_stores(stored_entry("L", by_tool))
               .with("L")
               .allow(&reconcile_policy::detach_from_agent)
               .allow(&reconcile_policy::detach_from_thread),
           "detach from agent; detach from thread; L {Authorization: Bearer fresh, always: write never: read}; rows 5 "
           "6 2");
    expect("the approval of a server without headers is not lost either",
           on("mcp:L mcp:M")
               .in_thread()
               .agent_stores(stored_entry("M", mcp_approval::never()))
               .with("L")
               .allow(&reconcile_policy::detach_from_agent),
           "detach from agent; L {Authorization: Bearer fresh, -}; M {never}; rows 5 2 4");
    expect("permission for one is none for the other",
           agent_entry().thread_stores(stored_entry("L")).with("L").allow(&reconcile_policy::detach_from_agent),
           error_of(errc::thread_level_mcp_resources));
    expect("nothing is detached that does not clash", agent_entry().allow(&reconcile_policy::detach_from_agent),
           "rows 7");
    expect(
        "a copy of the agent leaves the stored one alone",
        agent_entry().with("L").allow(&reconcile_policy::ephemeral_agent).allow(&reconcile_policy::detach_from_agent),
        "copy mcp:L; L {Authorization: Bearer fresh, -}; rows 2 5");
    expect("but there is none for a run that is not streamed",
           agent_entry().with("L").allow(&reconcile_policy::ephemeral_agent).polling(),
           error_of(errc::agent_level_mcp_resources));
    expect("and it helps nothing against the thread's",
           on("mcp:L").thread_stores(stored_entry("L")).with("L").allow(&reconcile_policy::ephemeral_agent),
           error_of(errc::thread_level_mcp_resources));
}

BOOST_AUTO_TEST_CASE(rows_11_and_12_go_round_where_allowed) {
    using corun::reconcile_policy;
    const auto new_function = [] { return on("mcp:L").in_thread().with("L").tools("function:g"); };
    const auto server_too = [] { return on("").in_thread().with("L").tools("mcp:L"); };
    expect("a copy of the agent", new_function().allow(&reconcile_policy::ephemeral_agent),
           "copy mcp:L function:g; L {Authorization: Bearer fresh, -}; rows 2 11");
    expect("with the resources of its other tools",
           new_function().agent_stores_other("file_search").allow(&reconcile_policy::ephemeral_agent),
           "copy mcp:L function:g (file_search); L {Authorization: Bearer fresh, -}; rows 2 8 11");
    expect("a copy for a new server", server_too().allow(&reconcile_policy::ephemeral_agent),
           "copy mcp:L; L {Authorization: Bearer fresh, -}; rows 2 12");
    expect("a copy for a registered function",
           on("mcp:L").in_thread().with("L").functions("f").allow(&reconcile_policy::ephemeral_agent),
           "copy mcp:L function:f; L {Authorization: Bearer fresh, -}; rows 2 11");
    expect("a registered function that the agent has needs none",
           on("mcp:L function:f").in_thread().with("L").functions("f").allow(&reconcile_policy::ephemeral_agent),
           "L {Authorization: Bearer fresh, -}; rows 9 2");
    expect("polling", new_function().allow(&reconcile_policy::polling),
           "poll; tools mcp:L function:g; L {Authorization: Bearer fresh, -}; rows 2 10 11");
    expect("polling for a new server", server_too().allow(&reconcile_policy::polling),
           "poll; tools mcp:L; L {Authorization: Bearer fresh, -}; rows 2 12 12");
    expect("headers with the approvals", new_function().allow(&reconcile_policy::approval_headers),
           "tools mcp:L function:g; rows 10 11");
    expect("which takes that nothing stored would be in force instead",
           new_function().agent_stores(stored_entry("L")).allow(&reconcile_policy::approval_headers),
           error_of(errc::agent_level_mcp_resources));
    expect("on the thread neither",
           new_function().thread_stores(stored_entry("L")).allow(&reconcile_policy::approval_headers),
           error_of(errc::thread_level_mcp_resources));
    expect("which takes that every call waits for one",
           new_function().approve("L", mcp_approval::never()).allow(&reconcile_policy::approval_headers),
           error_of(errc::tools_with_mcp_headers_streaming));
    expect("the first that serves is taken",
           new_function()
               .allow(&reconcile_policy::approval_headers)
               .allow(&reconcile_policy::polling)
               .allow(&reconcile_policy::ephemeral_agent),
           "copy mcp:L function:g; L {Authorization: Bearer fresh, -}; rows 2 11");
    expect("and none where nothing clashes",
           on("mcp:L").in_thread().with("L").allow(&reconcile_policy::ephemeral_agent),
           "L {Authorization: Bearer fresh, -}; rows 2");
    expect("nor without entries", on("mcp:L").tools("function:g").allow(&reconcile_policy::ephemeral_agent),
           "tools mcp:L function:g; rows 1");
    expect("to detach does not help against new tools",
           new_function().agent_stores(stored_entry("L")).allow(&reconcile_policy::detach_from_agent),
           error_of(errc::tools_with_mcp_headers_streaming));
    expect("with a copy the thread's can be detached too",
           new_function()
               .thread_stores(stored_entry("L"))
               .allow(&reconcile_policy::ephemeral_agent)
               .allow(&reconcile_policy::detach_from_thread),
           "detach from thread; copy mcp:L function:g; L {Authorization: Bearer fresh, -}; rows 6 2 11");
}

BOOST_AUTO_TEST_CASE(row_15_gives_an_approval_the_headers_of_its_own_server) {
    const std::vector<corun::mcp_tool> servers{corun::mcp_tool("L", "https://l.example/mcp"),
                                               corun::mcp_tool("M", "http://m.example/mcp")};
    const auto given = [&](const request& what, const char* label) {
        return corun::reconcile::headers_for_approval(what.value.headers, servers, label);
    };
    const corun::headers for_l = given(request().with("L").with("M", "X-Key", "1"), "L");
    BOOST_REQUIRE(for_l.size() == 1u);
    BOOST_TEST(for_l.find("Authorization")->reveal() == "Bearer fresh");
    BOOST_TEST(given(request().with("L"), "M").empty());
    const auto refused_with = [](errc code) { return [code](const corun::error& e) { return e.code() == code; }; };
    BOOST_CHECK_EXCEPTION(given(request().with("N"), "L"), corun::error, refused_with(errc::unknown_server_label));
    BOOST_CHECK_EXCEPTION(given(request().with("L", "X", "a\nb"), "L"), corun::error,
                          refused_with(errc::invalid_header));
    BOOST_CHECK_EXCEPTION(given(request().with("M"), "M"), corun::error, refused_with(errc::insecure_endpoint));
}

BOOST_AUTO_TEST_CASE(row_14_keeps_entries_off_a_new_thread) {
    expect("the thread is created with the run", on("mcp:L").with("L"),
           "L {Authorization: Bearer fresh, -}; rows 2 14");
}

BOOST_AUTO_TEST_CASE(refuses_what_must_not_be_sent) {
    expect("an unknown label in the headers", on("mcp:L").with("l"), error_of(errc::unknown_server_label));
    expect("an unknown label in the approvals", on("mcp:L").approve("M", mcp_approval::never()),
           error_of(errc::unknown_server_label));
    expect("headers for an agent without servers", on("").with("L"), error_of(errc::unknown_server_label));
    expect("an empty label", on("mcp:L").with(""), error_of(errc::invalid_server_label));
    expect("an empty label in the approvals", on("mcp:L").approve("", mcp_approval::never()),
           error_of(errc::invalid_server_label));
    expect("a control character in a label", on("mcp:L").with("L\n"), error_of(errc::invalid_server_label));
    expect("an empty label in the run's tools", on("").tools("mcp:"), error_of(errc::invalid_server_label));
    expect("a label twice on the agent", on("mcp:L mcp:L").with("L"), error_of(errc::duplicate_server_label));
    expect("which is the agent's affair when nothing is asked", on("mcp:L mcp:L"), "rows 1");
    expect("a label twice in the run's tools", on("").tools("mcp:L mcp:L"), error_of(errc::duplicate_server_label));
    expect("a function twice in the run's tools", on("").tools({function("g"), function("g", "Other.")}),
           error_of(errc::invalid_argument));
    expect("a server as bare JSON", on("").tools({corun::json_tool("mcp", "{}")}), error_of(errc::invalid_argument));
    expect("a header name that is no token", on("mcp:L").with("L", "X Y"), error_of(errc::invalid_header));
    expect("an empty header name", on("mcp:L").with("L", ""), error_of(errc::invalid_header));
    expect("a header value with a line break", on("mcp:L").with("L", "X", "a\r\nb"), error_of(errc::invalid_header));
    expect("a header value with NUL", on("mcp:L").with("L", "X", std::string("a\0b", 3)),
           error_of(errc::invalid_header));
    expect("a header value that ends with a line break", on("mcp:L").with("L", "X", "token\n"),
           error_of(errc::invalid_header));
    expect("headers over plain http", on({corun::mcp_tool("L", "http://mcp.example/mcp")}).with("L"),
           error_of(errc::insecure_endpoint));
    expect("headers over plain http on this host",
           on({corun::mcp_tool("L", "http://127.0.0.1:8080/mcp")}).in_thread().with("L"),
           "L {Authorization: Bearer fresh, -}; rows 2");
    expect("an approval over plain http",
           on({corun::mcp_tool("L", "http://mcp.example/mcp")}).approve("L", mcp_approval::never()),
           "L {never}; rows 1 14");
}

BOOST_AUTO_TEST_CASE(takes_an_empty_set_of_headers_for_none) {
    request what = request().agent("mcp:L");
    what.value.headers.set("L", corun::headers());
    BOOST_TEST(outcome(what.value) == "rows 1");
    what.approve("L", mcp_approval::never());
    BOOST_TEST(outcome(what.value) == "L {never}; rows 1 14");
}

BOOST_AUTO_TEST_CASE(refuses_a_header_name_given_twice_in_any_case) {
    request what = request().agent("mcp:L");
    what.value.headers.set("L", corun::headers({"X-Key", "1"}, {"x-key", "2"}));
    BOOST_TEST(outcome(what.value) == error_of(errc::invalid_header));
    BOOST_TEST(message_of(what.value) == "header 'x-key' for MCP server 'L' is specified twice");
}

BOOST_AUTO_TEST_CASE(says_in_a_sentence_what_moved_and_why) {
    const plan made = make_plan(request()
                                    .agent("mcp:L mcp:M function:f")
                                    .agent_stores_other("file_search")
                                    .with("L")
                                    .with("L", "X-Tenant", "acme")
                                    .approve("M", mcp_approval::never())
                                    .tools("mcp:L function:f function:g")
                                    .polling()
                                    .value);
    std::ostringstream out;
    out << made.report;
    BOOST_TEST(out.str() ==
               "row 3: The run's tool for MCP server 'L' is omitted, because the agent defines the same one.\n"
               "row 9: The run's function 'f' is omitted, because the agent already has it.\n"
               "row 2: MCP server 'L': headers Authorization, X-Tenant are sent in the run's tool_resources.mcp, for "
               "this run only; they are not stored.\n"
               "row 4: MCP server 'M': approval 'never' is sent in the run's tool_resources.mcp, with empty headers, "
               "because the service reads approvals from the run.\n"
               "row 8: The resources stored with the agent ('file_search') are not sent again, because the same kind "
               "at two levels conflicts.\n"
               "row 14: The run creates its thread without tool_resources.mcp, so that the thread stores none.\n"
               "row 10: The run's new tools (function 'g') are sent together with the agent's, because a run's tools "
               "replace them.\n");
}

BOOST_AUTO_TEST_CASE(says_which_definition_of_a_function_is_in_force) {
    const plan made = make_plan(request().agent("function:f").tools({function("f", "Does something else.")}).value);
    BOOST_REQUIRE(made.report.lines().size() == 1u);
    BOOST_TEST(
        made.report.lines()[0].text ==
        "The run's function 'f' is omitted, because the agent has one with that name; the agent's definition applies.");
}

BOOST_AUTO_TEST_CASE(says_in_an_error_what_is_wrong_where_and_what_to_do) {
    expect_message(on("mcp:L").tools("mcp:M").with("K"),
                   "mcp_headers names MCP server 'K', which neither the agent nor the run has; known labels: 'L', 'M'");
    expect_message(on("").approve("K", mcp_approval::never()),
                   "run_options::require_approval names MCP server 'K', which neither the agent nor the run has; no "
                   "MCP server is defined");
    expect_message(on("").with("a\r\nb"), "the label 'a\\r\\nb' in mcp_headers contains a control character");
    expect_message(on("").tools("mcp:"), "a label in run_options::tools is empty");
    expect_message(on("mcp:L").with("L", "X\nY"), "the header name 'X\\nY' for MCP server 'L' is not a token");
    expect_message(on("mcp:L").with("L", "X-Key", "secret\n"),
                   "the value of header 'X-Key' for MCP server 'L' contains a control character, or begins or ends "
                   "with a space or tab");
    expect_message(on("mcp:L mcp:L").with("L"),
                   "the agent's tools have two MCP servers with the label 'L'; use a unique label for each MCP server");
    expect_message(
        on("mcp:L").tools({corun::mcp_tool("L", "https://other.example/mcp")}),
        "run_options::tools and the agent define the label 'L' with different server_url; use the agent's definition, "
        "or another label");
    expect_message(on("").tools("function:g function:g"), "run_options::tools has the function 'g' twice");
    expect_message(on({corun::mcp_tool("L", "http://user:pass@mcp.example:8080/mcp?key=hidden")}).with("L"),
                   "headers are sent only over https, or over http to this machine; MCP server 'L' is at "
                   "'http://mcp.example:8080'");
    expect_message(on("mcp:L").agent_stores(stored_entry("L")).with("L"),
                   "agent 'asst_1' stores tool_resources.mcp for 'L', and this run has its own for 'L'; the service "
                   "would fail such a run. Remove tool_resources.mcp from the agent, or run an agent without it; "
                   "with reconcile_policy::detach_from_agent or ephemeral_agent, corun does this for you");
    expect_message(
        on("mcp:L mcp:M").thread_stores(stored_entry("M")).with("L"),
        "the thread stores tool_resources.mcp for 'M', and this run has its own for 'L'; the service would fail such a "
        "run. Remove tool_resources.mcp from the thread, or use another thread; with "
        "reconcile_policy::detach_from_thread, corun removes them for you");
    expect_message(
        on("mcp:L").with("L").tools({function("g"), corun::json_tool("file_search", "{}")}),
        "the run adds tools that the agent does not have (function 'g', tool 'file_search'), together with MCP headers "
        "or approvals for 'L'. Add these tools to the agent, use agent::create_run, which does not stream, or set in "
        "run_options::reconcile ephemeral_agent (two more requests: a copy of the agent is created and deleted), or "
        "polling (text arrives without deltas), or approval_headers (the servers list their tools without these "
        "headers)");
    expect_message(
        on("mcp:L").with("L").tools({function("g")}).approve("L", mcp_approval::never()),
        "the run adds tools that the agent does not have (function 'g'), together with MCP headers or approvals for "
        "'L'. Add "
        "these tools to the agent, use agent::create_run, which does not stream, or set in run_options::reconcile "
        "ephemeral_agent (two more requests: a copy of the agent is created and deleted), or polling (text arrives "
        "without deltas)");
    expect_message(on("").functions("f").tools("function:f"),
                   "run_options::tools and functions have the function 'f' twice");
    request silent = on("");
    silent.value.options.functions.emplace_back("f", "Does it.", "{}", corun::function_handler());
    expect_message(silent, "run_options::functions has 'f' without a handler");
}

BOOST_AUTO_TEST_CASE(leaves_its_input_alone) {
    const request what = request().agent("mcp:L").with("L").tools("mcp:L function:g").polling();
    const std::string first = outcome(what.value);
    BOOST_TEST(outcome(what.value) == first);
    BOOST_TEST(what.value.options.tools.size() == 2u);
    BOOST_TEST(what.value.agent.tool_resources.empty());
}

BOOST_AUTO_TEST_CASE(refuses_to_store_headers_or_approvals) {
    corun::mcp_tool_resource only_approval("M");
    only_approval.require_approval = mcp_approval::never();
    for (const auto& entry : {stored_entry("L"), only_approval}) {
        corun::agent_definition agent("model");
        agent.tools = {server("L"), server("M")};
        agent.tool_resources.other["file_search"] = "{}";
        BOOST_CHECK_NO_THROW(corun::reconcile::validate(agent));
        corun::thread_definition thread;
        thread.tool_resources.other["file_search"] = "{}";
        BOOST_CHECK_NO_THROW(corun::reconcile::validate(thread));

        agent.tool_resources.mcp.push_back(entry);
        thread.tool_resources.mcp.push_back(entry);
        const auto names = [&](const std::string& what) {
            return [&, what](const corun::error& e) {
                return e.code() == errc::invalid_argument &&
                       e.details().message == what + "::tool_resources.mcp ('" + entry.server_label +
                                                  "') would be stored; for each run, pass headers as mcp_headers and "
                                                  "set run_options::require_approval";
            };
        };
        BOOST_CHECK_EXCEPTION(corun::reconcile::validate(agent), corun::error, names("agent_definition"));
        BOOST_CHECK_EXCEPTION(corun::reconcile::validate(thread), corun::error, names("thread_definition"));
    }
}

BOOST_AUTO_TEST_CASE(refuses_to_store_what_it_cannot_see_into) {
    const auto names = [](std::string member) {
        return [member = std::move(member)](const corun::error& e) {
            return e.code() == errc::invalid_argument && e.details().message.starts_with(member);
        };
    };
    corun::agent_definition agent("model");
    agent.tool_resources.other["mcp"] = "[]";
    BOOST_CHECK_EXCEPTION(corun::reconcile::validate(agent), corun::error,
                          names("agent_definition::tool_resources.other contains \"mcp\""));
    corun::thread_definition thread;
    thread.tool_resources.other["mcp"] = "[]";
    BOOST_CHECK_EXCEPTION(corun::reconcile::validate(thread), corun::error,
                          names("thread_definition::tool_resources.other contains \"mcp\""));

    for (const char* type : {"mcp", "function"}) {
        corun::agent_definition bare("model");
        bare.tools = {server("L"), corun::json_tool(type, "{}")};
        BOOST_CHECK_EXCEPTION(corun::reconcile::validate(bare), corun::error,
                              names(std::string("agent_definition::tools has a json_tool of type '") + type + "'"));
    }
    corun::agent_definition fine("model");
    fine.tools = {corun::json_tool("openapi", "{}"), corun::code_interpreter()};
    BOOST_CHECK_NO_THROW(corun::reconcile::validate(fine));
}

BOOST_AUTO_TEST_CASE(refuses_bad_labels_in_an_agent_to_be_stored) {
    const auto has = [](errc code) { return [code](const corun::error& e) { return e.code() == code; }; };
    corun::agent_definition agent("model");
    agent.tools = {server("L"), function("f"), server("L")};
    BOOST_CHECK_EXCEPTION(corun::reconcile::validate(agent), corun::error, has(errc::duplicate_server_label));
    agent.tools = {server("")};
    BOOST_CHECK_EXCEPTION(corun::reconcile::validate(agent), corun::error, has(errc::invalid_server_label));
}

// --- properties over random inputs -----------------------------------------------------------

namespace {

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    input make() {
        request what = request().agent(tools());
        if (chance(2)) what.in_thread();
        if (chance(6)) what.agent_stores(stored_entry(label(), approval()));
        if (chance(6)) what.thread_stores(stored_entry(label(), approval()));
        if (chance(4)) what.agent_stores_other("file_search");
        if (chance(2)) what.tools(tools());
        for (int i = pick(4); i > 0; --i) {
            static const char* const names[] = {"Authorization", "authorization", "X-Tenant", "X-Key", "bad name"};
            const std::string name = names[chance(20) ? 4 : pick(4)];
            corun::headers fields =
                what.value.headers.find(what_label_) ? *what.value.headers.find(what_label_) : corun::headers();
            fields.add({name, "TOP-SECRET-" + std::to_string(pick(1000)) + (chance(20) ? "\n" : "")});
            what.value.headers.set(what_label_, fields);
            if (chance(2)) what_label_ = label();
        }
        if (chance(3)) what.approve(label(), *approval_always_given());
        if (chance(4)) what.value.options.default_approval = approval_always_given();
        if (chance(3)) what.polling();
        return what.value;
    }

private:
    int pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
    bool chance(int one_in) { return pick(one_in) == 0; }
    std::string label() {
        static const char* const labels[] = {"K", "L", "M", "N", "bad\nlabel"};
        return labels[chance(30) ? 4 : pick(4)];
    }
    std::optional<mcp_approval> approval_always_given() {
        switch (pick(3)) {
            case 0:
                return mcp_approval::always();
            case 1:
                return mcp_approval::never();
            default:
                return mcp_approval::by_tool({"write"}, {"read"});
        }
    }
    std::optional<mcp_approval> approval() { return chance(2) ? approval_always_given() : std::nullopt; }
    std::vector<corun::tool> tools() {
        std::vector<corun::tool> made;
        for (int i = pick(4); i > 0; --i) {
            switch (pick(5)) {
                case 0:
                    made.push_back(function(chance(2) ? "f" : "g", chance(2) ? "Does it." : "Does more."));
                    break;
                case 1:
                    made.push_back(corun::json_tool(chance(2) ? "file_search" : "openapi", chance(2) ? "{}" : "[]"));
                    break;
                case 2:
                    made.push_back(corun::mcp_tool(label(), chance(3) ? "http://plain.example" : "https://x.example"));
                    break;
                default:
                    made.push_back(server(label()));
            }
        }
        return made;
    }

    std::mt19937 random_;
    std::string what_label_ = "L";
};

std::string printed(const auto& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(keeps_its_promises_for_any_input) {
    std::map<std::string, int> outcomes;
    int plans_with_entries = 0;
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        const input what = generator(seed).make();
        BOOST_TEST_CONTEXT("seed " << seed) {
            try {
                const plan made = make_plan(what);
                ++outcomes["plan"];
                const auto& entries = made.tool_resources.mcp;
                if (!entries.empty()) ++plans_with_entries;

                const bool both = made.tools.has_value() && !entries.empty();
                BOOST_REQUIRE(!(both && what.mode == mode::streaming));

                const bool stored =
                    !what.agent.tool_resources.mcp.empty() || (what.thread && !what.thread->mcp.empty());
                BOOST_REQUIRE(!(stored && !entries.empty()));
                BOOST_REQUIRE(made.tool_resources.other.empty());

                std::set<std::string> known;
                for (const auto* tools : {&what.agent.tools, &what.options.tools})
                    for (const corun::tool& tool : *tools)
                        if (const auto* mcp = std::get_if<corun::mcp_tool>(&tool)) known.insert(mcp->server_label);
                if (made.tools) {
                    std::set<std::string> labels;
                    for (const corun::tool& tool : *made.tools) {
                        if (const auto* mcp = std::get_if<corun::mcp_tool>(&tool))
                            BOOST_REQUIRE(labels.insert(mcp->server_label).second);
                    }
                    BOOST_REQUIRE((labels == known));
                    BOOST_REQUIRE(made.tools->size() >= what.agent.tools.size());
                }

                // Every header given is in the plan, once, and nothing else is.
                std::vector<std::string> given, planned;
                for (const auto& [label, fields] : what.headers)
                    for (const corun::header& field : fields)
                        given.push_back(label + '/' + field.name + '/' + std::string(field.value.reveal()));
                std::set<std::string> entry_labels;
                for (const auto& entry : entries) {
                    BOOST_REQUIRE(entry_labels.insert(entry.server_label).second);
                    BOOST_REQUIRE(known.contains(entry.server_label));
                    for (const corun::header& field : entry.headers)
                        planned.push_back(entry.server_label + '/' + field.name + '/' +
                                          std::string(field.value.reveal()));
                }
                std::sort(given.begin(), given.end());
                std::sort(planned.begin(), planned.end());
                BOOST_REQUIRE((given == planned));

                // A call never goes unasked where the run wants to be asked.
                for (const auto& [label, approval] : what.options.require_approval) {
                    const auto entry =
                        std::find_if(entries.begin(), entries.end(),
                                     [&, &wanted = label](const auto& e) { return e.server_label == wanted; });
                    if (entry != entries.end()) {
                        BOOST_REQUIRE(entry->require_approval.has_value());
                        BOOST_REQUIRE((*entry->require_approval == approval));
                    } else {
                        BOOST_REQUIRE((approval == mcp_approval::always()));
                    }
                }

                BOOST_REQUIRE(!made.report.lines().empty());
                BOOST_REQUIRE(printed(made.report).find("TOP-SECRET") == std::string::npos);
                for (const auto& line : made.report.lines())
                    BOOST_REQUIRE(line.text.find_first_of("\r\n") == std::string::npos);
            } catch (const corun::error& e) {
                ++outcomes[e.code().message()];
                BOOST_REQUIRE((e.code().category() == corun::category()));
                BOOST_REQUIRE(!e.details().message.empty());
                BOOST_REQUIRE(std::string_view(e.what()).find("TOP-SECRET") == std::string_view::npos);
                BOOST_REQUIRE(std::string_view(e.what()).find('\n') == std::string_view::npos);
            }
            BOOST_REQUIRE(printed(what.headers).find("TOP-SECRET") == std::string::npos);
        }
    }

    // The generator reaches every way out.
    BOOST_TEST(plans_with_entries > 500);
    for (const errc code :
         {errc::invalid_argument, errc::insecure_endpoint, errc::invalid_header, errc::invalid_server_label,
          errc::unknown_server_label, errc::duplicate_server_label, errc::conflicting_tool_definition,
          errc::agent_level_mcp_resources, errc::thread_level_mcp_resources, errc::tools_with_mcp_headers_streaming,
          errc::mcp_tool_not_on_agent})
        BOOST_TEST_CONTEXT(make_error_code(code).message()) {
            BOOST_TEST(outcomes[make_error_code(code).message()] > 20);
        }
}

BOOST_AUTO_TEST_SUITE_END()
