#pragma once
#include "protocol/responses/codec.hpp"
#include "stream/protocol.hpp"

#include <optional>
#include <string_view>

namespace corun::detail {

/// What a response has shown of its calls to MCP servers.
class server_calls {
public:
    /// False for an event of a call that has no effect yet: it has just begun, or the server refused it.
    bool observe(std::string_view name, std::string_view data) noexcept;
    [[nodiscard]] bool has_rejected_token() const noexcept { return has_rejected_token_; }
    [[nodiscard]] bool calls_are_under_way() const noexcept { return under_way_ != 0; }

private:
    bool ended(std::string_view item, bool is_call) noexcept;

    int under_way_ = 0;
    bool has_rejected_token_ = false, tells_why_ = false;
};

/// The events of a run of the Responses protocol as they arrive, before they are decoded: what they say together.
class arrived_events {
public:
    /// Called for each event, first: true for one that the sequence numbers count.
    [[nodiscard]] bool is_counted(std::string_view name, std::string_view data) noexcept;
    /// Called for each one that is not repeated.
    void observe(std::string_view name, std::string_view data) { seen_.observe(name, data); }
    /// As in `run_protocol`.
    [[nodiscard]] event_facts inspect(std::string_view name, std::string_view data) noexcept;
    [[nodiscard]] std::optional<polled_event> unreported_end();

    [[nodiscard]] const codec::responses::pending_calls& seen() const noexcept { return seen_; }

private:
    void inspect_failure(std::string_view name, std::string_view data, event_facts& facts) const;

    codec::responses::pending_calls seen_;
    server_calls servers_;
    bool tells_the_end_again_ = false;  ///< The next event is `unreported_end`.
};

}  // namespace corun::detail
