#include "protocol/threads/reconcile.hpp"

#include "protocol/tool_identity.hpp"
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

/// One decision: the steps of `make`, in their order, each with what the ones before have found.
class decision {
public:
    explicit decision(const input& run) : input_(run) {}

    plan make() {
        validate_input();
        plan_.servers = servers_of(input_);
        if (!asks_for_anything()) {
            report_stored();
            if (plan_.report.lines().empty())
                plan_.report.add(plain, "The run has no tools, MCP headers or approvals: nothing is added.");
            return std::move(plan_);
        }
        new_tools_ = take_tools(input_.agent.tools, input_.options.tools, input_.options,
                                [this](const tool& value, const tool& known) { leave_out(value, known); });
        refuse_unknown(plan_.servers, input_.headers, input_.options);
        make_entries(false);
        if (plan_.tool_resources.mcp.empty()) {
            report_stored();
        } else {
            choose_workaround();
            clear_second_level();
            if (workaround_ != workaround::approvals)
                for (const mcp_tool_resource& entry : plan_.tool_resources.mcp) report_entry(entry);
            report_others();
        }
        place_tools();
        return std::move(plan_);
    }

private:
    /// How a run can have tools and entries that clash.
    enum class workaround { none, copy, poll, approvals, refuse };

    void validate_input() const {
        validate(input_.headers);
        validate_options(input_.options);
    }

    bool asks_for_anything() const {
        const run_options& options = input_.options;
        return !input_.headers.empty() || !options.tools.empty() || !options.functions.empty() ||
               !options.require_approval.empty() || options.default_approval.has_value();
    }

    bool run_has_headers() const {
        return std::any_of(input_.headers.begin(), input_.headers.end(),
                           [](const auto& server) { return !server.second.empty(); });
    }
    bool brings_server() const {
        return std::any_of(new_tools_.begin(), new_tools_.end(),
                           [](const tool& each) { return as_mcp(each) != nullptr; });
    }
    bool agent_has_entries() const { return !input_.agent.tool_resources.mcp.empty(); }
    bool thread_has_entries() const { return input_.thread && !input_.thread->mcp.empty(); }

    void report_stored() {
        const auto add = [this](const char* owner) {
            plan_.report.add(left_alone, std::string("The tool_resources.mcp stored with the ") + owner +
                                             " apply, because the run has none.");
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
                                                ") are not sent again, because the same kind at two levels conflicts.");
        };
        add("agent", input_.agent.tool_resources);
        if (input_.thread) {
            add("thread", *input_.thread);
        } else {
            plan_.report.add(new_thread,
                             "The run creates its thread without tool_resources.mcp, so that the thread stores none.");
        }
    }

    void leave_out(const tool& value, const tool& known) {
        if (as_mcp(value) != nullptr)
            plan_.report.add(same_server, "The run's tool for " + name_of(value) +
                                              " is omitted, because the agent defines the same one.");
        else if (value == known)
            plan_.report.add(same_tool,
                             "The run's " + name_of(value) + " is omitted, because the agent already has it.");
        else
            plan_.report.add(
                same_tool,
                "The run's " + name_of(value) +
                    " is omitted, because the agent has one with that name; the agent's definition applies.");
    }

    std::optional<mcp_approval> approval_of(const std::string& label, bool take_stored) const {
        const auto found = input_.options.require_approval.find(label);
        if (found != input_.options.require_approval.end()) return found->second;
        std::optional<mcp_approval> approval = input_.options.default_approval;
        if (approval || !take_stored) return approval;
        for (const tool_resources* stored : {input_.thread ? &*input_.thread : nullptr, &input_.agent.tool_resources})
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
        return is_laxer(input_.agent.tool_resources) || (input_.thread && is_laxer(*input_.thread));
    }

    void make_entries(bool take_stored_approvals) {
        plan_.tool_resources.mcp.clear();
        for (const mcp_tool& server : plan_.servers) {
            const std::string& label = server.server_label;
            const headers* fields = input_.headers.find(label);
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

    /// Chooses a workaround that the policy allows, where tools and entries, or two levels of entries, clash.
    void choose_workaround() {
        const reconcile_policy& policy = input_.options.reconcile;
        const bool streaming = input_.mode == mode::streaming;
        const bool tools_clash = streaming && !new_tools_.empty();
        // What creates an agent must be there to delete it: a run that is not streamed has nobody.
        if (streaming && policy.ephemeral_agent && (tools_clash || agent_has_entries()))
            workaround_ = workaround::copy;
        else if (tools_clash && policy.polling)
            workaround_ = workaround::poll;
        else if (tools_clash && policy.approval_headers && every_call_waits() && !agent_has_entries() &&
                 !thread_has_entries())
            workaround_ = workaround::approvals;
        else if (tools_clash)
            workaround_ = workaround::refuse;
    }

    bool every_call_waits() const {
        return std::all_of(plan_.servers.begin(), plan_.servers.end(), [this](const mcp_tool& server) {
            const std::optional<mcp_approval> approval = approval_of(server.server_label, false);
            return !approval || is_default(*approval);
        });
    }

    void clear_second_level() {
        const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
        const std::string run_brings = ", and this run has its own for " + list(plan_.tool_resources.mcp, label) +
                                       "; the service would fail such a run. ";
        const bool agent_clashes = agent_has_entries() && workaround_ != workaround::copy;
        if (agent_clashes && !input_.options.reconcile.detach_from_agent)
            throw error(errc::agent_level_mcp_resources,
                        "agent " + quote(input_.agent.id) + " stores tool_resources.mcp for " +
                            list(input_.agent.tool_resources.mcp, label) + run_brings +
                            "Remove tool_resources.mcp from the agent, or run an agent without it; "
                            "with reconcile_policy::detach_from_agent or ephemeral_agent, corun does this for you");
        if (thread_has_entries() && !input_.options.reconcile.detach_from_thread)
            throw error(errc::thread_level_mcp_resources,
                        "the thread stores tool_resources.mcp for " + list(input_.thread->mcp, label) + run_brings +
                            "Remove tool_resources.mcp from the thread, or use another thread; "
                            "with reconcile_policy::detach_from_thread, corun removes them for you");
        if (!agent_has_entries() && !thread_has_entries()) return;
        const auto report = [&](int row, const char* owner, const tool_resources& stored) {
            plan_.report.add(row, std::string("The tool_resources.mcp stored with the ") + owner + " (" +
                                      list(stored.mcp, label) +
                                      ") are removed first, because they conflict with the run's; their approvals are "
                                      "sent with the run.");
        };
        plan_.detach_from_agent = agent_clashes;
        plan_.detach_from_thread = thread_has_entries();
        if (plan_.detach_from_agent) report(agent_stores, "agent", input_.agent.tool_resources);
        if (plan_.detach_from_thread) report(thread_stores, "thread", *input_.thread);
        make_entries(true);
    }

    void report_entry(const mcp_tool_resource& entry) {
        std::string subject = "MCP server " + quote(entry.server_label) + ": ";
        const std::string approval =
            entry.require_approval ? "approval " + std::string(to_string(*entry.require_approval)) : "";
        if (entry.headers.empty()) {
            plan_.report.add(run_has_headers() ? approval_only : plain,
                             subject + approval + " is sent in the run's tool_resources.mcp, with empty headers, " +
                                 "because the service reads approvals from the run.");
            return;
        }
        const auto name = [](const header& field) { return detail::escape(field.name); };
        plan_.report.add(
            on_run, subject + "headers " + list(entry.headers, name) + (approval.empty() ? "" : " and " + approval) +
                        " are sent in the run's tool_resources.mcp, for this run only; they are not stored.");
    }

    void place_tools() {
        if (workaround_ == workaround::copy) return copy_agent();
        const bool has_entries = !plan_.tool_resources.mcp.empty();
        if (new_tools_.empty()) {
            if (plan_.report.lines().empty())
                plan_.report.add(plain,
                                 "No MCP server needs headers or an approval: nothing is added to "
                                 "the run.");
            return;
        }
        const bool has_new_server = brings_server();
        if (workaround_ == workaround::refuse) refuse_tools_beside_entries(has_new_server);

        plan_.tools = input_.agent.tools;
        plan_.tools->insert(plan_.tools->end(), new_tools_.begin(), new_tools_.end());
        plan_.report.add(
            has_entries ? (has_new_server ? new_server : new_tools) : plain,
            "The run's new tools (" + list(new_tools_, name_of<tool>) + ") are sent" +
                (input_.agent.tools.empty() ? "." : " together with the agent's, because a run's tools replace them."));
        if (workaround_ == workaround::poll) {
            plan_.polls = true;
            plan_.report.add(has_new_server ? new_server : new_tools_streaming,
                             "The run is polled instead of streamed, because the service rejects new tools with "
                             "tool_resources.mcp in a stream.");
        } else if (workaround_ == workaround::approvals) {
            plan_.tool_resources.mcp.clear();
            plan_.report.add(
                has_new_server ? new_server : new_tools_streaming,
                "Headers are sent with the approvals instead of the run, because the service rejects new tools with "
                "tool_resources.mcp in a stream. MCP servers list their tools without these headers.");
        }
    }

    void copy_agent() {
        agent_definition& copy = plan_.ephemeral_agent.emplace(input_.agent);
        copy.id.clear();
        copy.created_at.reset();
        copy.raw.clear();
        copy.tool_resources.mcp.clear();
        copy.tools.insert(copy.tools.end(), new_tools_.begin(), new_tools_.end());
        if (new_tools_.empty()) {
            plan_.report.add(agent_stores,
                             "This run uses a copy of the agent without its tool_resources.mcp, because they conflict "
                             "with the run's. The copy is deleted afterwards.");
            return;
        }
        const bool has_new_server = brings_server();
        plan_.report.add(has_new_server ? new_server : new_tools_streaming,
                         "This run uses a copy of the agent with the new tools (" + list(new_tools_, name_of<tool>) +
                             "), because the service rejects new tools with tool_resources.mcp in a stream. The copy "
                             "is deleted afterwards.");
    }

    [[noreturn]] void refuse_tools_beside_entries(bool has_new_server) const {
        const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
        throw error(has_new_server ? errc::mcp_tool_not_on_agent : errc::tools_with_mcp_headers_streaming,
                    "the run adds tools that the agent does not have (" + list(new_tools_, name_of<tool>) +
                        "), together with MCP headers or approvals for " + list(plan_.tool_resources.mcp, label) +
                        ". Add these tools to the agent, use agent::create_run, which does not stream, or set in "
                        "run_options::reconcile " +
                        policies_that_serve());
    }

    /// The policies that let this run stream, and their costs.
    std::string policies_that_serve() const {
        std::string policies = "ephemeral_agent (two more requests: a copy of the agent is created and deleted)";
        if (agent_has_entries() || thread_has_entries()) return policies;
        policies += ", or polling (text arrives without deltas)";
        if (every_call_waits())
            policies += ", or approval_headers (the servers list their tools without these headers)";
        return policies;
    }

    const input& input_;
    std::vector<tool> new_tools_;
    workaround workaround_ = workaround::none;
    plan plan_;
};

}  // namespace

std::vector<mcp_tool> servers_of(const input& run) {
    std::vector<mcp_tool> servers;
    add_servers(servers, run.agent.tools);
    add_servers(servers, run.options.tools);
    return servers;
}

plan make_plan(const input& run) {
    return decision(run).make();
}

}  // namespace corun::reconcile
