#include "stream/responses_request.hpp"

#include "json/find.hpp"
#include "protocol/tool_identity.hpp"
#include "stream/client_servers.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::responses;
namespace json = codec::json;

/// The row of the report for requests that answer.
constexpr int answers_row = 32;

bool is_approved(const submission& answers, const std::string& id) noexcept {
    return std::any_of(answers.approvals().begin(), answers.approvals().end(),
                       [&id](const tool_approval& each) { return each.approve && each.tool_call_id == id; });
}

reconcile::response_input input_of(const run_context& run) {
    reconcile::response_input input;
    input.agent = run.prompt;
    input.stored = !run.agent->local;
    input.headers = run.headers;
    input.options = *run.options;
    return input;
}

/// All MCP servers that the run may call.
std::vector<mcp_tool> servers_of(const run_context& run) {
    std::vector<mcp_tool> found;
    reconcile::add_servers(found, run.prompt.tools);
    reconcile::add_servers(found, run.options->tools);
    return found;
}

class responses_rules final : public server_rules {
public:
    [[nodiscard]] std::vector<mcp_tool> servers(const run_context& run) const override { return servers_of(run); }
    void check(const run_context& run) const override { (void)reconcile::make_plan(input_of(run)); }
    [[nodiscard]] bool takes_new_functions(const run_context& run) const noexcept override {
        return run.agent->local || run.options->reconcile.inline_definition;
    }
};

}  // namespace

const server_rules& responses_server_rules() noexcept {
    static const responses_rules rules;
    return rules;
}

responses_requests::responses_requests(std::shared_ptr<run_context> run) : run_(std::move(run)) {
    const agent_object& agent = *run_->agent;
    if (agent.is_one_version) version_ = agent.prompt.version;
}

asio::awaitable<prepared_run> responses_requests::first(std::shared_ptr<responses_requests> self,
                                                        mcp_header_request request) {
    prepared_run prepared;
    const run_context& run = *self->run_;
    if (!self->is_stored()) {
        if (self->is_background())
            throw error(errc::invalid_argument, "run_options::store: a response in the background must be stored");
        if (!run.options->functions.empty() || run.options->on_mcp_approval) self->require_conversation();
    }
    if (run.provider) {
        const bool has_servers = !servers_of(run).empty();
        if (has_servers) co_await ask(self, std::move(request));
        prepared.report.add(provider_asked_row,
                            "The provider of MCP headers is called before each request of the run that has MCP tools.");
    }
    wire::response_request body = self->next(prepared.report, prepared.secrets);
    body.messages = run.messages;
    body.conversation = run.conversation ? run.conversation->value.id : std::string();
    body.previous_response_id = run.options->previous_response_id;
    prepared.call.path = self->path();
    codec::encoded_request encoded = wire::encode_response(body);
    prepared.call.body = std::move(encoded.body);
    prepared.report.set_request(prepared.call.path, std::move(encoded.shown));
    co_return prepared;
}

asio::awaitable<run_call> responses_requests::answer(std::shared_ptr<responses_requests> self, run_identity run,
                                                     submission answers, reconcile_report& report, redactor& secrets) {
    run_call call;
    const run_context& context = *self->run_;
    if (!self->is_stored()) self->require_conversation();
    const bool asks = static_cast<bool>(context.provider) && !servers_of(context).empty();
    if (asks) {
        mcp_header_request request;
        request.why = mcp_header_request::occasion::approval;
        request.run_id = run.run_id;
        request.thread_id = run.thread_id;
        for (const mcp_approval_request& each : run.action.mcp_approvals)
            if (is_approved(answers, each.id)) request.approvals.push_back(each);
        co_await ask(self, std::move(request));
    }
    reconcile_report repeated;
    redactor of_body;
    wire::response_request body = self->next(repeated, of_body);
    // What was said before is there already.
    body.options.additional_messages.clear();
    body.options.input_items = {};
    if (context.conversation)
        body.conversation = context.conversation->value.id;
    else
        body.previous_response_id = run.run_id;
    body.answers = std::move(answers);
    body.action = std::move(run.action);
    call.path = self->path();
    call.body = wire::encode_response(body).body;
    secrets.add(of_body);
    if (context.sends_headers)
        report.add(answers_row, "The answers to " + run.run_id +
                                    " are sent with the tools of the run, and its headers " +
                                    (asks ? "fresh from their provider." : "unchanged."));
    co_return call;
}

/// What an answer refers to is kept by the response, or by the conversation.
void responses_requests::require_conversation() const {
    if (!run_->conversation)
        throw error(errc::invalid_argument,
                    "run_options::store: calls of a response that is not stored can be answered only in a thread; pass "
                    "a thread to run_stream, or store the response");
}

asio::awaitable<void> responses_requests::ask(std::shared_ptr<responses_requests> self, mcp_header_request request) {
    for (const mcp_tool& each : servers_of(*self->run_)) request.server_labels.push_back(each.server_label);
    self->run_->headers = co_await ask_for_headers(self->run_, std::move(request));
}

wire::response_request responses_requests::next(reconcile_report& report, redactor& secrets) {
    const reconcile::response_input input = input_of(*run_);
    reconcile::response_plan plan = reconcile::make_plan(input);
    for (const reconcile_report::line& line : plan.report.lines()) report.add(line.row, line.text);
    run_->servers = std::move(plan.servers);
    run_->sends_headers = !plan.structured_inputs.empty();
    for (const auto& [name, value] : plan.structured_inputs)
        if (const auto text = json::plain_string(value.reveal())) secrets.add(secret(std::string(*text)));
    wire::response_request request;
    if (plan.by_reference) {
        request.agent.emplace(input.agent.name, version_);
        request.agent->key = run_->api->options.agent_key;
    } else {
        add_definition(request, std::move(plan.definition), secrets);
    }
    request.structured_inputs = std::move(plan.structured_inputs);
    request.options = std::move(plan.options);
    request.background = input.options.background;
    request.store = input.options.store;
    return request;
}

void responses_requests::add_definition(wire::response_request& request, prompt_agent_definition definition,
                                        redactor& secrets) {
    for (const prompt_tool& each : definition.tools) {
        const auto* server = std::get_if<prompt_mcp_tool>(&each);
        if (server == nullptr) continue;
        for (const header& field : server->headers) secrets.add(field.value);
        if (!server->authorization.empty()) secrets.add(server->authorization);
        if (const auto token = json::plain_string(json::find_member(server->extra_json, "authorization")))
            secrets.add(secret(std::string(*token)));
        run_->sends_headers = run_->sends_headers || !server->headers.empty() || !server->authorization.empty();
    }
    request.definition = std::move(definition);
}

}  // namespace corun::detail
