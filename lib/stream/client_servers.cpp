#include "stream/client_servers.hpp"

#include "async/attempt.hpp"
#include "async/task.hpp"
#include "mcp/server_pool.hpp"
#include "protocol/reconcile_checks.hpp"
#include "protocol/tool_identity.hpp"
#include "text/escape.hpp"
#include <corun/mcp/function.hpp>

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

using server_pointer = std::shared_ptr<client_server>;

/// Rows of the report.
constexpr int by_client = 41, by_service = 42, service_refuses = 43, tool_left_out = 44, stored_functions = 45;

mcp_caller caller_of(const run_options& options, const std::string& label) {
    const auto found = options.mcp_callers.find(label);
    return found == options.mcp_callers.end() ? options.default_mcp_caller : found->second;
}

bool wants_client_servers(const run_options& options) noexcept {
    return options.default_mcp_caller != mcp_caller::service ||
           std::any_of(options.mcp_callers.begin(), options.mcp_callers.end(),
                       [](const auto& each) { return each.second != mcp_caller::service; });
}

void check(const run_options& options, const std::vector<mcp_tool>& servers) {
    if (options.max_mcp_calls < 1) throw error(errc::invalid_argument, "run_options::max_mcp_calls must be at least 1");
    for (const auto& [label, caller] : options.mcp_callers)
        reconcile::refuse_unknown(servers, label, "run_options::mcp_callers");
}

template <class Tool>
void erase_server(std::vector<Tool>& tools, const std::string& label) {
    std::erase_if(tools, [&label](const Tool& each) {
        const auto* const server = reconcile::as_mcp(each);
        return server != nullptr && server->server_label == label;
    });
}

/// From here on, nothing of the server is sent to the service.
void take_over(run_context& run, const mcp_tool& server) {
    const std::string& label = server.server_label;
    if (server.server_url.empty())
        throw error(errc::invalid_argument, "run_options::mcp_callers: corun cannot call MCP server " + quote(label) +
                                                ", because its tool has no URL");
    if (label.find("__") != label.npos)
        throw error(errc::invalid_argument, "run_options::mcp_callers: the label " + quote(label) +
                                                " contains '__', which separates a label from a tool");
    mcp::session session(run.api->mcp_servers->at(server.server_url), run.options->mcp_principal);
    auto taken = std::make_shared<client_server>(server, std::move(session), run.api->executor);
    taken->list.server_label = label;
    taken->approval = run.options->default_approval;
    if (const auto found = run.options->require_approval.find(label); found != run.options->require_approval.end())
        taken->approval = found->second;
    run.options.change().require_approval.erase(label);
    erase_server(run.definition.tools, label);
    erase_server(run.prompt.tools, label);
    erase_server(run.options.change().tools, label);
    run.client->servers.push_back(std::move(taken));
    run.client->take(run.headers);
}

/// Whether the service's rules refuse the run as it is.
bool is_refused(const run_context& run, const server_rules& rules) {
    try {
        rules.check(run);
        return false;
    } catch (const error& refusal) {
        for (const errc code :
             {errc::agent_level_mcp_resources, errc::thread_level_mcp_resources, errc::tools_with_mcp_headers_streaming,
              errc::mcp_tool_not_on_agent, errc::mcp_headers_with_stored_agent, errc::not_allowed_with_agent})
            if (refusal.code() == code) return true;
        return false;
    }
}

std::vector<std::string> labels_of(const std::vector<mcp_tool>& servers) {
    std::vector<std::string> labels;
    for (const mcp_tool& each : servers) labels.push_back(each.server_label);
    return labels;
}

asio::awaitable<void> decide(std::shared_ptr<run_context> run, const server_rules* rules) {
    const std::vector<mcp_tool> servers = rules->servers(*run);
    check(*run->options, servers);
    std::vector<mcp_tool> undecided;
    for (const mcp_tool& each : servers) {
        const mcp_caller caller = caller_of(*run->options, each.server_label);
        if (caller == mcp_caller::client) take_over(*run, each);
        if (caller == mcp_caller::automatic && !each.server_url.empty()) undecided.push_back(each);
    }
    if (undecided.empty()) co_return;
    if (run->provider) {
        mcp_header_request request;
        request.server_labels = labels_of(undecided);
        run->headers = co_await ask_for_headers(run, std::move(request));
    }
    const bool refused = is_refused(*run, *rules);
    for (const mcp_tool& each : undecided) {
        const std::string subject = "MCP server " + quote(each.server_label) + " is called by ";
        run->client->report.add(refused ? service_refuses : by_service,
                                subject + (refused ? "corun, because the service does not accept this run with it."
                                                   : "the service, which accepts this run with it."));
        if (refused) take_over(*run, each);
    }
}

asio::awaitable<mcp::tool_list> list_tools(std::shared_ptr<run_context> run, server_pointer server) {
    const std::string subject = "MCP server " + quote(server->definition.server_label) + ": ";
    for (bool again = static_cast<bool>(run->provider);; again = false) {
        auto listed = co_await attempt(server->session.list_tools(server->fields));
        std::optional<error> failure;
        try {
            co_return listed.take();
        } catch (const error& problem) {
            failure = problem;
        }
        const bool refused = failure->code() == errc::unauthorized || failure->code() == errc::forbidden;
        if (!refused || !again) {
            diagnostics details = failure->details();
            details.message = subject + details.message;
            throw error(failure->code(), std::move(details));
        }
        mcp_header_request request;
        request.why = mcp_header_request::occasion::rejected_token;
        request.server_labels.push_back(server->definition.server_label);
        co_await refresh_headers(run, std::move(request));
    }
}

/// The functions that a stored agent has, if it can have no others in this run.
std::optional<std::vector<std::string>> stored_function_names(const run_context& run, const server_rules& rules) {
    std::optional<std::vector<std::string>> names;
    if (rules.takes_new_functions(run)) return names;
    names.emplace();
    for (const prompt_tool& each : run.prompt.tools)
        if (const auto* function = std::get_if<function_tool>(&each)) names->push_back(function->name);
    return names;
}

/// Makes functions of the tools that one server has listed.
class function_maker {
public:
    function_maker(run_context& run, const server_rules& rules, server_pointer server)
        : run_(run),
          server_(std::move(server)),
          subject_("MCP server " + quote(server_->definition.server_label) + ": "),
          stored_(stored_function_names(run, rules)) {}

    void make(const mcp::tool_list& list) {
        refuse_missing(list);
        for (const std::string& problem : list.problems) leave_out(problem);
        for (const mcp::tool& each : list.tools)
            if (is_allowed(each.name)) add(each);
        if (names_.empty())
            throw error(
                stored_ ? errc::not_allowed_with_agent : errc::bad_response,
                subject_ + "it offers no tool that this run can call" +
                    (stored_ ? ": the stored agent has none of its tools as functions (see mcp::set_functions), "
                               "and only reconcile_policy::inline_definition can add them"
                             : std::string()));
        const auto name = [](const header& field) { return escape(field.name); };
        const std::string fields = server_->fields.empty()
                                       ? "without headers"
                                       : "with the headers " + reconcile::list(server_->fields, name) + " of this run";
        run_.client->report.add(by_client,
                                subject_ + "corun calls it " + fields + ". Its tools are the functions " +
                                    reconcile::list(names_, [](const std::string& each) { return quote(each); }) +
                                    "; the service receives neither its URL nor its headers.");
        report_stale();
    }

private:
    [[nodiscard]] bool is_allowed(const std::string& tool) const {
        const auto& allowed = server_->definition.allowed_tools;
        return allowed.empty() || std::find(allowed.begin(), allowed.end(), tool) != allowed.end();
    }

    /// The caller relies on the tools that it names.
    void refuse_missing(const mcp::tool_list& list) const {
        for (const std::string& allowed : server_->definition.allowed_tools)
            if (std::none_of(list.tools.begin(), list.tools.end(),
                             [&allowed](const mcp::tool& each) { return each.name == allowed; }))
                throw error(errc::invalid_argument,
                            subject_ + "its allowed_tools name " + quote(allowed) + ", which it does not offer");
    }

    void leave_out(const std::string& why) {
        run_.client->report.add(tool_left_out, subject_ + "a tool is left out: " + why + ".");
    }

    void add(const mcp::tool& tool) {
        std::optional<mcp::tool_function> function;
        try {
            function = mcp::to_function(server_->definition.server_label, tool);
        } catch (const error& problem) {
            return leave_out("the tool " + quote(tool.name) + ", because " + problem.details().message);
        }
        const std::string name = function->definition.name;
        if (stored_ && std::find(stored_->begin(), stored_->end(), name) == stored_->end()) {
            run_.client->report.add(stored_functions, subject_ + "the tool " + quote(tool.name) +
                                                          " is left out, because the stored agent has no function " +
                                                          quote(name) + "; add it to the agent's next version.");
            return;
        }
        if (!function->problem.empty())
            run_.client->report.add(tool_left_out,
                                    subject_ + "of the tool " + quote(tool.name) + ", " + function->problem + ".");
        refuse_clash(name);
        client_servers::function known;
        known.server = server_;
        known.tool = tool.name;
        run_.client->functions.emplace(name, std::move(known));
        names_.push_back(name);
        mcp_tool_info& info = server_->list.tools.emplace_back();
        info.name = tool.name;
        info.description = tool.description;
        info.parameters = tool.input_schema;
        if (!stored_) run_.options.change().tools.emplace_back(std::move(function->definition));
    }

    void refuse_clash(const std::string& name) const {
        const bool is_taken = run_.client->functions.contains(name) ||
                              std::any_of(run_.options->functions.begin(), run_.options->functions.end(),
                                          [&name](const local_function& each) { return each.definition.name == name; });
        if (is_taken)
            throw error(errc::invalid_argument, subject_ + "two functions of the run have the name " + quote(name));
    }

    /// Functions of the stored agent that look like tools of this server, and are none.
    void report_stale() {
        if (!stored_) return;
        const std::string prefix = mcp::function_prefix(server_->definition.server_label);
        for (const std::string& name : *stored_)
            if (name.starts_with(prefix) && std::find(names_.begin(), names_.end(), name) == names_.end())
                run_.client->report.add(stored_functions, subject_ + "the stored agent's function " + quote(name) +
                                                              " is none of its tools; calls of it fail.");
    }

    run_context& run_;
    server_pointer server_;
    std::string subject_;
    std::optional<std::vector<std::string>> stored_;
    std::vector<std::string> names_;
};

asio::awaitable<bool> close_session(mcp::session session, headers fields) {
    auto closed = co_await attempt(session.close(std::move(fields)));
    co_return closed.has_value();
}

}  // namespace

bool client_server::needs_approval(std::string_view tool) const {
    if (!approval || approval->type() == mcp_approval::kind::always) return true;
    if (approval->type() == mcp_approval::kind::never) return false;
    const auto& never = approval->never_tools();
    return std::find(never.begin(), never.end(), tool) == never.end();
}

client_servers::~client_servers() {
    try {
        for (const server_pointer& each : servers)
            (void)task<bool>::start(executor_, close_session(each->session, std::move(each->fields)));
    } catch (...) {
        // No memory: servers end their sessions by themselves, too.
    }
}

const client_servers::function* client_servers::find(std::string_view name) const noexcept {
    const auto found = functions.find(name);
    return found == functions.end() ? nullptr : &found->second;
}

void client_servers::take(mcp_headers& all) {
    for (const server_pointer& each : servers) {
        const std::string& label = each->definition.server_label;
        const headers* const fields = all.find(label);
        if (fields == nullptr) continue;
        reconcile::validate(*fields, "MCP server " + quote(label));
        each->fields = *fields;
        ++each->times_given;
        all.erase(label);
    }
}

asio::awaitable<void> refresh_headers(std::shared_ptr<run_context> run, mcp_header_request request) {
    // `ask_for_headers` has given these servers theirs; the others keep what they have.
    const mcp_headers others = co_await ask_for_headers(run, std::move(request));
    (void)others;
}

void refuse_client_servers(const run_options& options, const char* call) {
    if (wants_client_servers(options))
        throw error(errc::invalid_argument, std::string("run_options::mcp_callers: ") + call +
                                                " has no stream in which corun could call MCP servers");
}

asio::awaitable<void> open_client_servers(std::shared_ptr<run_context> run, const server_rules* rules) {
    if (!wants_client_servers(*run->options)) co_return;
    const asio::any_io_executor executor = run->api->executor;
    run->client = std::make_shared<client_servers>(executor);
    co_await decide(run, rules);
    if (run->provider) {
        mcp_header_request request;
        for (const server_pointer& each : run->client->servers)
            if (each->times_given == 0) request.server_labels.push_back(each->definition.server_label);
        const bool asks = !request.server_labels.empty();
        if (asks) co_await refresh_headers(run, std::move(request));
    }
    std::vector<std::shared_ptr<task<mcp::tool_list>>> listings;
    for (const server_pointer& each : run->client->servers)
        listings.push_back(task<mcp::tool_list>::start(executor, list_tools(run, each)));
    for (std::size_t i = 0; i != listings.size(); ++i) {
        const mcp::tool_list list = co_await task<mcp::tool_list>::outcome(listings[i]);
        function_maker(*run, *rules, run->client->servers[i]).make(list);
    }
}

}  // namespace corun::detail
