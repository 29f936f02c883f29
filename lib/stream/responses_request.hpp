#pragma once
#include "protocol/responses/codec.hpp"
#include "protocol/responses/reconcile.hpp"
#include "stream/context.hpp"
#include "stream/protocol.hpp"
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corun::detail {

/// The requests of one run of the Responses protocol. Each of them carries all of the run again: tools, headers,
/// options.
class responses_requests {
public:
    explicit responses_requests(std::shared_ptr<run_context> run);

    /// Throws what `agent::run_stream` names.
    static asio::awaitable<prepared_run> first(std::shared_ptr<responses_requests> self, mcp_header_request request);
    /// Answers the action of the run.
    static asio::awaitable<run_call> answer(std::shared_ptr<responses_requests> self, run_identity run,
                                            submission answers, reconcile_report& report, redactor& secrets);

    /// The events of a foreground response are streamed once only.
    [[nodiscard]] bool is_background() const noexcept { return run_->options->background == true; }
    [[nodiscard]] bool is_stored() const noexcept { return run_->options->store.value_or(true); }
    [[nodiscard]] std::string path() const { return run_->api->openai_path() + "/responses"; }

private:
    void require_conversation() const;
    static asio::awaitable<void> ask(std::shared_ptr<responses_requests> self, mcp_header_request request);
    codec::responses::response_request next(reconcile_report& report, redactor& secrets);
    void add_definition(codec::responses::response_request& request, prompt_agent_definition definition,
                        redactor& secrets);

    std::shared_ptr<run_context> run_;
    std::string version_;  ///< Of the stored agent; empty: the latest.
};

}  // namespace corun::detail
