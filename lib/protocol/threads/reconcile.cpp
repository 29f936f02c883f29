#include "protocol/threads/reconcile.hpp"

#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

// What the service accepts, and where this library therefore puts things. "Entry" is an element of
// `tool_resources.mcp`: it carries a label's headers and its approval.
//
//  row  the run                                              what is sent
//    1  no headers                                           nothing; entries only for approvals; new tools: see below
//    2  headers for a server of the agent                    an entry with them, and no `tools`
//    3  ... and that server's tool again                     as 2, the tool is left out
//    4  ... and an approval for another server               as 2, and an entry with empty headers
//    5  any entry, while the agent stores entries            * copy, detach; else error agent_level_mcp_resources
//    6  any entry, while the thread stores entries           * detach; else error thread_level_mcp_resources
//    7  no entry, while agent or thread store some           nothing: theirs stay as they are
//    8  headers, while other resources are stored            as 2: the others are not sent again
//    9  headers, and tools that the agent has                as 2, the tools are left out
//   10  headers, new tools, not streaming                    the agent's tools and the new ones, and entries
//   11  headers, new tools, streaming                        * copy, poll, approvals; else error
//                                                              tools_with_mcp_headers_streaming
//   12  headers, a new MCP server, streaming                 as 11, the error is mcp_tool_not_on_agent (as 10 when not
//                                                              streaming)
//   13  an agent is created or changed                       no entries: an error when it holds some
//   14  the thread is created with the run                   as 2: entries on the run, none on the thread
//   15  calls wait for approval                              each approval with the headers of its own server
//   16  headers come from a provider                         asked before the run and before each round of approvals
//
// * where the policy allows it, in this order:
//   copy       an agent of its own for this run, with all tools and without entries
//   poll       as 10, and the run is polled
//   approvals  `tools` without entries; the headers come with the approvals, so every call must wait for one
//   detach     the stored entries are removed first; approvals that stood there go with the run
//
// New tools without any entry are sent with the agent's own, for the run's `tools` replace the
// agent's. Otherwise an approval on agent or thread never reaches a run's entry: a run without
// entries leaves it alone.

namespace corun::reconcile {

namespace {

using detail::quote;

/// Rows of the table; those that are errors have their `errc`.
constexpr int plain = 1, on_run = 2, same_server = 3, approval_only = 4, agent_stores = 5, thread_stores = 6,
              left_alone = 7, others_stored = 8, same_tool = 9, new_tools = 10, new_tools_streaming = 11,
              new_server = 12, new_thread = 14;

const mcp_tool* as_mcp(const tool& value) noexcept {
    return std::get_if<mcp_tool>(&value);
}

std::string name_of(const tool& value) {
    if (const auto* server = as_mcp(value)) return "MCP server " + quote(server->server_label);
    if (const auto* function = std::get_if<function_tool>(&value)) return "function " + quote(function->name);
    return "tool " + quote(type_of(value));
}

/// Types of which one agent may have several.
bool may_repeat(std::string_view type) noexcept {
    return type == "openapi" || type == "azure_function" || type == "connected_agent";
}

/// True when the service would take both for one tool: MCP by label, functions by name, others by type.
bool same_identity(const tool& a, const tool& b) noexcept {
    if (a.index() != b.index()) return false;
    if (const auto* server = as_mcp(a)) return server->server_label == as_mcp(b)->server_label;
    if (const auto* function = std::get_if<function_tool>(&a)) return function->name == std::get<function_tool>(b).name;
    const auto& one = std::get<json_tool>(a);
    const auto& other = std::get<json_tool>(b);
    if (one.type != other.type || !may_repeat(one.type)) return one.type == other.type;
    // Raw JSON of the caller's tells no name.
    return one.name.empty() || other.name.empty() ? one.json == other.json : one.name == other.name;
}

const tool* find_same(const std::vector<tool>& tools, const tool& wanted) noexcept {
    const auto found =
        std::find_if(tools.begin(), tools.end(), [&](const tool& other) { return same_identity(other, wanted); });
    return found == tools.end() ? nullptr : &*found;
}

bool same_definition(const mcp_tool& a, const mcp_tool& b) {
    return a.server_url == b.server_url && same_allowed_tools(a.allowed_tools, b.allowed_tools);
}

void refuse_duplicate_labels(const std::vector<tool>& tools, const std::string& where) {
    for (auto a = tools.begin(); a != tools.end(); ++a)
        if (as_mcp(*a) != nullptr)
            for (auto b = tools.begin(); b != a; ++b)
                if (same_identity(*a, *b))
                    throw error(errc::duplicate_server_label, where + " have two for the label " +
                                                                  quote(as_mcp(*a)->server_label) +
                                                                  "; give every MCP server a label of its own");
}

void refuse_stored_entries(const tool_resources& resources, const std::string& what) {
    if (resources.other.contains("mcp"))
        throw error(errc::invalid_argument, what +
                                                "::tool_resources.other has \"mcp\", which is for mcp_headers and "
                                                "run_options::require_approval to say, with each run");
    if (resources.mcp.empty()) return;
    const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
    throw error(errc::invalid_argument,
                what + "::tool_resources.mcp (" + list(resources.mcp, label) +
                    ") would be stored; give headers as mcp_headers and approvals as run_options::require_approval, "
                    "with each run");
}

/// One decision: the steps of `make`, in their order, each with what the ones before have found.
class decision {
public:
    explicit decision(const input& what) : what_(what) {}

    plan make() {
        validate_input();
        plan_.servers = servers_of(what_);
        if (!asks_for_anything()) {
            report_stored();
            if (plan_.report.lines().empty())
                plan_.report.add(plain, "The run brings no tools, MCP headers or approvals: nothing is added to it.");
            return std::move(plan_);
        }
        take_tools();
        refuse_unknown_labels();
        make_entries(false);
        if (plan_.tool_resources.mcp.empty()) {
            report_stored();
        } else {
            choose_way();
            clear_second_level();
            if (way_ != way::approvals)
                for (const mcp_tool_resource& entry : plan_.tool_resources.mcp) report_entry(entry);
            report_others();
        }
        place_tools();
        return std::move(plan_);
    }

private:
    /// How tools and entries that clash come together after all.
    enum class way { beside_each_other, copy, poll, approvals, refuse };

    void validate_input() const {
        validate(what_.headers);
        validate_options(what_.options);
    }

    bool asks_for_anything() const {
        const run_options& options = what_.options;
        return !what_.headers.empty() || !options.tools.empty() || !options.functions.empty() ||
               !options.require_approval.empty() || options.default_approval.has_value();
    }

    bool run_has_headers() const {
        return std::any_of(what_.headers.begin(), what_.headers.end(),
                           [](const auto& server) { return !server.second.empty(); });
    }
    bool agent_has_entries() const { return !what_.agent.tool_resources.mcp.empty(); }
    bool thread_has_entries() const { return what_.thread && !what_.thread->mcp.empty(); }

    void report_stored() {
        const auto add = [this](const char* owner) {
            plan_.report.add(left_alone, std::string("The tool_resources.mcp stored with the ") + owner +
                                             " stay as they are, because the run brings none of its own.");
        };
        if (agent_has_entries()) add("agent");
        if (thread_has_entries()) add("thread");
    }

    void report_others() {
        const auto add = [this](const char* owner, const tool_resources& stored) {
            if (stored.other.empty()) return;
            const auto kind = [](const auto& item) { return quote(item.first); };
            plan_.report.add(others_stored, std::string("The resources stored with the ") + owner + " (" +
                                                list(stored.other, kind) +
                                                ") are not sent again, because a kind at two levels clashes.");
        };
        add("agent", what_.agent.tool_resources);
        if (what_.thread) {
            add("thread", *what_.thread);
        } else {
            plan_.report.add(new_thread,
                             "The thread is created with the run and without tool_resources.mcp, so that "
                             "nothing of the run's is stored in it.");
        }
    }

    /// Sorts the run's tools into those that the agent has, which are left out, and new ones.
    void take_tools() {
        refuse_duplicate_labels(what_.agent.tools, "the agent's tools");
        refuse_duplicate_labels(what_.options.tools, "run_options::tools");
        std::vector<tool> brought = what_.options.tools;
        for (const local_function& function : what_.options.functions) brought.emplace_back(function.definition);
        for (auto value = brought.begin(); value != brought.end(); ++value) {
            if (std::any_of(brought.begin(), value, [&](const tool& other) { return same_identity(other, *value); }))
                throw error(errc::invalid_argument,
                            std::string("run_options::tools") +
                                (what_.options.functions.empty() ? " has" : " and functions have") + " the " +
                                name_of(*value) + " twice");
            if (const tool* known = find_same(what_.agent.tools, *value))
                leave_out(*value, *known);
            else
                new_tools_.push_back(*value);
        }
    }

    void leave_out(const tool& value, const tool& known) {
        if (const auto* server = as_mcp(value)) {
            if (!same_definition(*server, *as_mcp(known)))
                throw error(errc::conflicting_tool_definition,
                            "run_options::tools and the agent define the label " + quote(server->server_label) +
                                " with different " +
                                (server->server_url == as_mcp(known)->server_url ? "allowed_tools" : "server_url") +
                                "; use the agent's definition, or another label");
            plan_.report.add(same_server, "The run's tool for " + name_of(value) +
                                              " is left out, because the agent defines the same.");
        } else if (value == known) {
            plan_.report.add(same_tool, "The run's " + name_of(value) + " is left out, because the agent has it.");
        } else {
            plan_.report.add(same_tool, "The run's " + name_of(value) +
                                            " is left out, because the agent has one of that name; the agent's "
                                            "definition is the one in force.");
        }
    }

    void refuse_unknown_labels() const {
        for (const auto& [label, fields] : what_.headers) refuse_unknown(plan_.servers, label, "mcp_headers");
        for (const auto& [label, approval] : what_.options.require_approval)
            refuse_unknown(plan_.servers, label, "run_options::require_approval");
    }

    std::optional<mcp_approval> approval_of(const std::string& label, bool take_stored) const {
        const auto found = what_.options.require_approval.find(label);
        if (found != what_.options.require_approval.end()) return found->second;
        std::optional<mcp_approval> approval = what_.options.default_approval;
        if (approval || !take_stored) return approval;
        for (const tool_resources* stored : {what_.thread ? &*what_.thread : nullptr, &what_.agent.tool_resources})
            if (stored != nullptr && !approval)
                for (const mcp_tool_resource& entry : stored->mcp)
                    if (entry.server_label == label) approval = entry.require_approval;
        return approval;
    }

    /// True when what is stored for the label would let calls through unasked.
    bool stored_approval_is_laxer(const std::string& label) const {
        const auto is_laxer = [&](const tool_resources& stored) {
            return std::any_of(stored.mcp.begin(), stored.mcp.end(), [&](const mcp_tool_resource& entry) {
                return entry.server_label == label && entry.require_approval && !is_default(*entry.require_approval);
            });
        };
        return is_laxer(what_.agent.tool_resources) || (what_.thread && is_laxer(*what_.thread));
    }

    void make_entries(bool take_stored_approvals) {
        plan_.tool_resources.mcp.clear();
        for (const mcp_tool& server : plan_.servers) {
            const std::string& label = server.server_label;
            const headers* fields = what_.headers.find(label);
            const bool has_headers = fields != nullptr && !fields->empty();
            const std::optional<mcp_approval> approval = approval_of(label, take_stored_approvals);
            // The service's own default need not be said, unless something stored says otherwise.
            const bool must_say_approval = approval && (!is_default(*approval) || stored_approval_is_laxer(label));
            if (!has_headers && !must_say_approval) continue;

            if (has_headers) refuse_insecure(server);
            mcp_tool_resource entry(label);
            if (has_headers) entry.headers = *fields;
            entry.require_approval = approval;
            plan_.tool_resources.mcp.push_back(std::move(entry));
        }
    }

    /// Tools and entries, or stored entries and the run's: is there a way that the policy allows?
    void choose_way() {
        const reconcile_policy& policy = what_.options.reconcile;
        const bool streaming = what_.mode == mode::streaming;
        const bool tools_clash = streaming && !new_tools_.empty();
        // What creates an agent must be there to delete it: a run that is not streamed has nobody.
        if (streaming && policy.ephemeral_agent && (tools_clash || agent_has_entries()))
            way_ = way::copy;
        else if (tools_clash && policy.polling)
            way_ = way::poll;
        else if (tools_clash && policy.approval_headers && every_call_waits() && !agent_has_entries() &&
                 !thread_has_entries())
            way_ = way::approvals;
        else if (tools_clash)
            way_ = way::refuse;
    }

    bool every_call_waits() const {
        return std::all_of(plan_.servers.begin(), plan_.servers.end(), [this](const mcp_tool& server) {
            const std::optional<mcp_approval> approval = approval_of(server.server_label, false);
            return !approval || is_default(*approval);
        });
    }

    void clear_second_level() {
        const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
        const std::string run_brings = ", and this run brings its own for " + list(plan_.tool_resources.mcp, label) +
                                       "; the service fails such a run. ";
        const bool agent_clashes = agent_has_entries() && way_ != way::copy;
        if (agent_clashes && !what_.options.reconcile.detach_from_agent)
            throw error(errc::agent_level_mcp_resources,
                        "agent " + quote(what_.agent.id) + " stores tool_resources.mcp for " +
                            list(what_.agent.tool_resources.mcp, label) + run_brings +
                            "Remove tool_resources.mcp from the agent, or run an agent without it; "
                            "reconcile_policy::detach_from_agent or ephemeral_agent lets corun do that");
        if (thread_has_entries() && !what_.options.reconcile.detach_from_thread)
            throw error(errc::thread_level_mcp_resources,
                        "the thread stores tool_resources.mcp for " + list(what_.thread->mcp, label) + run_brings +
                            "Remove tool_resources.mcp from the thread, or use another thread; "
                            "reconcile_policy::detach_from_thread lets corun do the first");
        if (!agent_has_entries() && !thread_has_entries()) return;
        const auto report = [&](int row, const char* owner, const tool_resources& stored) {
            plan_.report.add(row, std::string("The tool_resources.mcp stored with the ") + owner + " (" +
                                      list(stored.mcp, label) +
                                      ") are removed from it first, because they clash with the run's; approvals "
                                      "that stood there go with the run.");
        };
        plan_.detach_from_agent = agent_clashes;
        plan_.detach_from_thread = thread_has_entries();
        if (plan_.detach_from_agent) report(agent_stores, "agent", what_.agent.tool_resources);
        if (plan_.detach_from_thread) report(thread_stores, "thread", *what_.thread);
        make_entries(true);
    }

    void report_entry(const mcp_tool_resource& entry) {
        std::string subject = "MCP server " + quote(entry.server_label) + ": ";
        const std::string approval =
            entry.require_approval ? "approval " + std::string(to_string(*entry.require_approval)) : "";
        if (entry.headers.empty()) {
            plan_.report.add(run_has_headers() ? approval_only : plain,
                             subject + approval + " goes into the run's tool_resources.mcp, with empty headers, " +
                                 "because the service looks for approvals on the run.");
            return;
        }
        const auto name = [](const header& field) { return detail::escape(field.name); };
        plan_.report.add(on_run, subject + "headers " + list(entry.headers, name) +
                                     (approval.empty() ? "" : " and " + approval) +
                                     " go into the run's tool_resources.mcp, where they are used for this run and "
                                     "not stored.");
    }

    void place_tools() {
        if (way_ == way::copy) return copy_agent();
        const bool has_entries = !plan_.tool_resources.mcp.empty();
        if (new_tools_.empty()) {
            if (plan_.report.lines().empty())
                plan_.report.add(plain,
                                 "No MCP server needs headers or an approval of its own: nothing is added to "
                                 "the run.");
            return;
        }
        const bool has_new_server = std::any_of(new_tools_.begin(), new_tools_.end(), as_mcp);
        if (way_ == way::refuse) refuse_tools_beside_entries(has_new_server);

        plan_.tools = what_.agent.tools;
        plan_.tools->insert(plan_.tools->end(), new_tools_.begin(), new_tools_.end());
        plan_.report.add(has_entries ? (has_new_server ? new_server : new_tools) : plain,
                         "The run's new tools (" + list(new_tools_, name_of) + ") are sent" +
                             (what_.agent.tools.empty() ? "."
                                                        : " with the agent's own, because a run's tools replace the "
                                                          "agent's."));
        if (way_ == way::poll) {
            plan_.polls = true;
            plan_.report.add(has_new_server ? new_server : new_tools_streaming,
                             "The run is polled instead of streamed, because the service refuses new tools beside "
                             "tool_resources.mcp in a stream.");
        } else if (way_ == way::approvals) {
            plan_.tool_resources.mcp.clear();
            plan_.report.add(
                has_new_server ? new_server : new_tools_streaming,
                "Headers go with the approvals instead of the run, because the service refuses new tools "
                "beside tool_resources.mcp in a stream: MCP servers are asked for their tools without them.");
        }
    }

    void copy_agent() {
        agent_definition& copy = plan_.ephemeral_agent.emplace(what_.agent);
        copy.id.clear();
        copy.created_at.reset();
        copy.raw.clear();
        copy.tool_resources.mcp.clear();
        copy.tools.insert(copy.tools.end(), new_tools_.begin(), new_tools_.end());
        if (new_tools_.empty()) {
            plan_.report.add(agent_stores,
                             "A copy of the agent without its tool_resources.mcp is made for this run and deleted "
                             "after it, because they clash with the run's.");
            return;
        }
        const bool has_new_server = std::any_of(new_tools_.begin(), new_tools_.end(), as_mcp);
        plan_.report.add(has_new_server ? new_server : new_tools_streaming,
                         "A copy of the agent that has the run's new tools (" + list(new_tools_, name_of) +
                             ") is made for this run and deleted after it, because the service refuses new tools "
                             "beside tool_resources.mcp in a stream.");
    }

    [[noreturn]] void refuse_tools_beside_entries(bool has_new_server) const {
        const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
        throw error(has_new_server ? errc::mcp_tool_not_on_agent : errc::tools_with_mcp_headers_streaming,
                    "the run brings what the agent does not have (" + list(new_tools_, name_of) +
                        "), beside MCP headers or approvals for " + list(plan_.tool_resources.mcp, label) +
                        ". Add these tools to the agent, use agent::create_run, which does not stream, or allow "
                        "a way round in run_options::reconcile");
    }

    const input& what_;
    std::vector<tool> new_tools_;
    way way_ = way::beside_each_other;
    plan plan_;
};

}  // namespace

std::vector<mcp_tool> servers_of(const input& what) {
    std::vector<mcp_tool> servers;
    for (const std::vector<tool>* tools : {&what.agent.tools, &what.options.tools})
        for (const tool& value : *tools)
            if (const auto* server = as_mcp(value))
                if (std::none_of(servers.begin(), servers.end(),
                                 [&](const mcp_tool& known) { return has_label(known, server->server_label); }))
                    servers.push_back(*server);
    return servers;
}

plan make_plan(const input& what) {
    return decision(what).make();
}

void validate(const agent_definition& definition) {
    refuse_stored_entries(definition.tool_resources, "agent_definition");
    validate_tools(definition.tools, "agent_definition::tools");
    refuse_duplicate_labels(definition.tools, "agent_definition::tools");
}

void validate(const thread_definition& definition) {
    refuse_stored_entries(definition.tool_resources, "thread_definition");
}

}  // namespace corun::reconcile
