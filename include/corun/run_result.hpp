#pragma once
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/export.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun {

/// The result of a run, gathered from its events. A value without I/O.
class CORUN_API run_result {
public:
    run_result();

    /// Applies one event. Call it with all events of the run, in order.
    ///
    /// Repeated events have no effect: a completed message or step supersedes its deltas, and late events do not change
    /// it. Deltas are not numbered, so a repeated delta counts twice until its message is completed.
    void apply(const event& value);

    std::string run_id, thread_id, agent_id;
    run_state status = run_state::unknown;
    std::vector<thread_message> messages;  ///< Of this run, in order; partial if the run broke off.
    std::vector<run_step> steps;
    std::optional<corun::usage> usage;
    std::optional<corun::last_error> last_error;
    std::string incomplete_reason;
    std::optional<corun::required_action> required_action;
    reconcile_report report;

    /// The concatenated text of all messages.
    [[nodiscard]] std::string text() const;
    /// The annotations of all messages, in order.
    [[nodiscard]] std::vector<text_annotation> citations() const;
    /// The tool calls of all steps, in order.
    [[nodiscard]] std::vector<tool_call> tool_calls() const;

private:
    struct gatherer;
    /// The indexes of the parts gathered so far, in order; they may have gaps.
    using part_numbers = std::vector<std::int32_t>;
    std::map<std::string, part_numbers, std::less<>> content_numbers_;                 ///< By message.
    std::map<std::pair<std::string, std::int32_t>, part_numbers> annotation_numbers_;  ///< By message and content.
    std::map<std::string, part_numbers, std::less<>> call_numbers_;                    ///< By step.
    std::map<std::pair<std::string, std::int32_t>, part_numbers> output_numbers_;      ///< By step and call.
};

/// Prints the state, the error and the usage in one line, and the text below it.
CORUN_API std::ostream& operator<<(std::ostream& out, const run_result& result);

/// Thrown for a run that did not complete: `errc::run_failed`, `run_incomplete`, `run_cancelled`, `run_expired`,
/// `action_required`, or the error that broke the stream. Contains the partial result.
class CORUN_API run_error : public error {
public:
    run_error(std::error_code code, diagnostics details, run_result partial);
    ~run_error() override;
    [[nodiscard]] const run_result& result() const noexcept { return *result_; }

private:
    std::shared_ptr<const run_result> result_;
};

}  // namespace corun
