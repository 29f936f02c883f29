#pragma once
#include "protocol/delta_shape.hpp"
#include "protocol/event_class.hpp"
#include "protocol/raw_event.hpp"
#include "redact/redact.hpp"
#include "stream/context.hpp"
#include "stream/received_elsewhere.hpp"
#include <corun/event.hpp>
#include <corun/run_position.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::detail {

/// An event that polling has shown, in the form in which a stream would have brought it.
struct polled_event {
    polled_event(std::string event_name, std::string event_data)
        : name(std::move(event_name)), data(std::move(event_data)) {}

    std::string name, data;
};

/// What an event reports of its run, for observers and restarts.
struct event_facts {
    event_facts() = default;

    bool is_text = false;               ///< A piece of the model's answer.
    bool has_effect = false;            ///< The run has written or called something, which it would do again.
    std::optional<thread_run> run;      ///< The run, if the event contains it.
    std::optional<last_error> failure;  ///< Why the stream has failed, if the event says all there is of it.
    bool token_rejected = false;        ///< Of a failure: an MCP server has rejected the run's headers.
    bool calls_are_under_way = false;   ///< Of a failure: something was called that may have had an effect.
};

/// What the events so far have told of a run.
struct run_identity {
    run_identity() = default;

    std::string run_id, thread_id;  ///< Empty until an event contains them.
    required_action action;         ///< The latest.
    bool is_known = false;          ///< `run_id` is that of the run that the latest request began or answered.
    bool can_be_found = false;      ///< Should the run be lost: its id is known, or can be found out.
    bool mark_would_help = false;   ///< It cannot be found, but with `reattach_policy::mark_runs` it could.
};

/// One run in its protocol's terms: what its events mean, how it is begun, how its actions are answered, and how it is
/// found again. The life of a run depends on nothing else of a protocol.
///
/// *Lifetime:* belongs to the run's stream, which lives until every coroutine of these has ended.
class run_protocol {
public:
    virtual ~run_protocol() = default;

    [[nodiscard]] const run_identity& identity() const noexcept { return identity_; }
    /// What the caller had received of the run before it had this stream.
    [[nodiscard]] const run_progress& past() const noexcept { return past_.progress(); }
    /// Whether outputs of functions and approvals may answer one action together.
    [[nodiscard]] bool takes_mixed_answers() const noexcept { return takes_mixed_answers_; }

    // What an event means.
    /// Called for each event as it arrives. Keeps the identity up to date.
    virtual codec::event_class classify(std::string_view name, std::string_view data) = 0;
    /// Reads more of an event that has been classified.
    virtual event_facts inspect(std::string_view name, std::string_view data) noexcept = 0;
    /// How the run has ended, where an event has told it and no other will follow: to be received once more. Called
    /// when the response has no more to say.
    virtual std::optional<polled_event> unreported_end() { return std::nullopt; }
    /// Decodes `wire` into `first` and, when it says several things, the rest into `more` (appended). On failure
    /// nothing is produced, and `problem` says in a sentence what is wrong.
    virtual std::error_code decode(codec::raw_event&& wire, event& first, std::vector<event>& more,
                                   std::string& problem) = 0;
    /// The shape of the text delta that was decoded last.
    [[nodiscard]] virtual const codec::delta_shape& text_shape() const noexcept = 0;
    /// An event of a stream has been delivered to the caller: polling does not show it again.
    virtual void delivered(const event& arrived) = 0;

    /// The number by which a stream can be resumed after this event; nothing where the service numbers none.
    [[nodiscard]] virtual std::optional<std::int64_t> sequence_number_of(const event& taken) const noexcept {
        (void)taken;
        return std::nullopt;
    }

    // How it is begun and answered.
    enum class start { first, restart };
    /// The request that begins the run: asks the provider for headers, reconciles, and takes the steps that come before
    /// it. `restart`: the run has failed, and another one takes its place in the same thread.
    virtual asio::awaitable<prepared_run> prepare(mcp_header_request asked, start kind) = 0;
    /// The request that answers the run's action. Adds the secrets in it to `secrets`.
    virtual asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) = 0;
    /// One of these requests is about to be sent.
    virtual void before_send() = 0;
    /// The response to a request that does not stream.
    virtual void on_created(std::string_view json) = 0;

    // How it is found again.
    /// The response broke off. Of the events that `wait` for the caller, all but the first `delivered` count as
    /// delivered from now on.
    virtual void on_disconnect(std::vector<codec::raw_event> waiting, std::size_t delivered) = 0;
    /// Whether the latest request was carried out though its response was lost; the run's id is then known. Nothing
    /// where that cannot be determined.
    virtual asio::awaitable<std::optional<bool>> find_run(redactor secrets) = 0;
    /// The request that streams the rest of a lost run; nothing where the run has to be polled.
    virtual std::optional<run_call> resume_request() = 0;
    /// Reads the run, and returns what is new.
    virtual asio::awaitable<std::vector<polled_event>> poll(redactor secrets) = 0;
    /// From here on polling shows only how the run ends.
    virtual void poll_only_the_end() = 0;

    // How it is ended.
    enum class ending {
        by_request,     ///< The service is asked to cancel it.
        by_leaving,     ///< Nothing goes on at the service when the connection is dropped.
        not_supported,  ///< The service cannot cancel it.
    };
    [[nodiscard]] virtual ending how_it_ends() const noexcept { return ending::by_request; }
    // The run's id is known.
    virtual asio::awaitable<void> cancel(redactor secrets) = 0;
    virtual asio::awaitable<bool> has_ended(redactor secrets) = 0;

protected:
    run_protocol(bool mixed_answers, bool findable) noexcept : takes_mixed_answers_(mixed_answers) {
        identity_.can_be_found = findable;
    }

    /// For `on_disconnect`: decodes what waits, and hands each event that is new to `delivered`.
    template <class Decode>
    void deliver_waiting(std::vector<codec::raw_event> waiting, std::size_t already_delivered, Decode decode_ahead) {
        for (codec::raw_event& each : waiting) {
            event first;
            std::vector<event> more;
            std::string problem;
            // What cannot be decoded ends the stream when it is its turn.
            if (decode_ahead(std::move(each), first, more, problem)) return;
            if (already_delivered > 0) {
                --already_delivered;
                continue;
            }
            delivered(first);
            for (const event& rest : more) delivered(rest);
        }
    }

    run_identity identity_;
    received_elsewhere past_;

private:
    bool takes_mixed_answers_;
};

/// Of the threads protocol.
std::unique_ptr<run_protocol> make_threads_protocol(std::shared_ptr<run_context> run);
/// The same for a run that is there: its events are new, from those after `position`.
asio::awaitable<std::unique_ptr<run_protocol>> attach_threads_protocol(std::shared_ptr<run_context> run,
                                                                       run_position position);
/// The same for a run that waits for answers in the thread of `run`; fills in what servers it may call.
asio::awaitable<std::unique_ptr<run_protocol>> find_threads_protocol(std::shared_ptr<run_context> run,
                                                                     std::string run_id);

/// Of the Responses protocol.
std::unique_ptr<run_protocol> make_responses_protocol(std::shared_ptr<run_context> run);
/// The same for a response that is there: its events are new, from those after `position`.
asio::awaitable<std::unique_ptr<run_protocol>> attach_responses_protocol(std::shared_ptr<run_context> run,
                                                                         run_position position);

}  // namespace corun::detail
