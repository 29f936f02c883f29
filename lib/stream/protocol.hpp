#pragma once
#include "protocol/event_class.hpp"
#include "protocol/raw_event.hpp"
#include "redact/redact.hpp"
#include "stream/context.hpp"
#include <corun/event.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace corun::detail {

/// An event that was made of what a reading of the run showed.
struct read_event {
    read_event(std::string its_name, std::string its_data) : name(std::move(its_name)), data(std::move(its_data)) {}

    std::string name, data;
};

/// One run as its protocol has it: how it is begun, how its actions are answered, how it is found again, and what its
/// events mean. A protocol answers these four questions, and nothing else of a stream depends on it.
///
/// Belongs to the run's stream, which lives until every coroutine of these has ended.
class run_protocol {
public:
    virtual ~run_protocol() = default;

    // What an event means.
    /// To be told of each event of the run's responses as it arrives.
    virtual codec::event_class arrived(std::string_view name, std::string_view data) = 0;
    /// See `codec::threads::decoder::decode`.
    virtual std::error_code decode(codec::raw_event wire, event& first, std::vector<event>& more,
                                   std::string& problem) = 0;
    /// To see what waits to be decoded: from here on `decode_ahead` goes on from where `decode` is.
    virtual void look_ahead() {}
    /// As `decode`, without an effect on it.
    virtual std::error_code decode_ahead(codec::raw_event wire, event& first, std::vector<event>& more,
                                         std::string& problem) = 0;
    /// True for an event by which a text comes.
    [[nodiscard]] virtual bool is_text(std::string_view name, std::string_view data) const noexcept = 0;
    /// True for an event of a run that has written or called something, which it would do again.
    virtual bool has_done_something(std::string_view name, std::string_view data) noexcept = 0;
    /// The run, if the event says how it is.
    virtual std::optional<thread_run> run_in(std::string_view name, std::string_view data) noexcept = 0;

    /// Empty until an event has told them.
    [[nodiscard]] virtual const std::string& run_id() const noexcept = 0;
    [[nodiscard]] virtual const std::string& thread_id() const noexcept = 0;
    /// The action that arrived last.
    [[nodiscard]] virtual const pending_action& action() const noexcept = 0;

    // How it is begun, and how it is answered.
    /// Whether outputs of functions and approvals may answer one action together.
    [[nodiscard]] virtual bool takes_mixed_answers() const noexcept = 0;
    /// What begins it: asks for headers where there is a provider, reconciles, does what must be done first.
    virtual asio::awaitable<prepared_run> prepare(mcp_header_request asked) = 0;
    /// The run has failed, and another is to take its place in the same thread.
    virtual void begins_again() = 0;
    /// What answers its action; adds what it holds to `secrets`.
    virtual asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) = 0;
    /// The answer to what was sent without streaming.
    virtual void accepted(std::string_view json) = 0;

    // How it is found again.
    /// Whether it can be: its id is known, or can be found out.
    [[nodiscard]] virtual bool can_be_found() const noexcept = 0;
    /// An event of a stream has been delivered, or is about to be.
    virtual void delivered(const event& what) = 0;
    /// The stream was lost; what it had brought has been told by `delivered`.
    virtual void lost() = 0;
    /// A request that begins the run or answers its action is on its way.
    virtual void sends() = 0;
    /// Whether that was carried out though its answer was lost; the run's id is then known. Nothing where that cannot
    /// be told.
    virtual asio::awaitable<std::optional<bool>> look(redactor secrets) = 0;
    /// What streams the rest of a lost run; nothing where that cannot be had, and the run is read.
    virtual std::optional<run_call> resumption() { return std::nullopt; }
    /// Reads the run, and gives what is new of it.
    virtual asio::awaitable<std::vector<read_event>> read(redactor secrets) = 0;
    /// From here on only the run's end is of interest.
    virtual void read_only_the_end() = 0;

    // How it is ended. The run's id is known.
    virtual asio::awaitable<void> cancel(redactor secrets) = 0;
    /// Whether it has.
    virtual asio::awaitable<bool> has_ended(redactor secrets) = 0;
};

/// Of the threads protocol.
std::unique_ptr<run_protocol> make_threads_protocol(std::shared_ptr<run_context> run);
/// The same for a run that waits for answers in the thread of `run`; fills in what servers it may call.
asio::awaitable<std::unique_ptr<run_protocol>> find_threads_protocol(std::shared_ptr<run_context> run,
                                                                     std::string run_id);

/// Of the Responses protocol.
std::unique_ptr<run_protocol> make_responses_protocol(std::shared_ptr<run_context> run);

}  // namespace corun::detail
