#pragma once
#include "run/abandonment.hpp"
#include "stream/state.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Completes when the run is known that is to be cancelled, while its stream goes on.
///
/// *Errors:* `errc::not_cancellable`, `errc::run_not_found`; those of the network and of the service.
asio::awaitable<void> identify_to_cancel(std::shared_ptr<stream_state> stream);

/// Cancels the run at the service, and completes when it has ended there; at once where none was begun. Finds out first
/// which run it is.
///
/// *Errors:* `errc::not_cancellable` after the connection has been dropped, and `errc::run_not_found`; those of the
/// network and of the service.
asio::awaitable<bool> end_run(std::shared_ptr<stream_state> stream);

/// The same for a stream that nobody reads any more: gives up after `client_options::stop_timeout`, and reports to
/// nobody. `fate` is not to leave it.
asio::awaitable<bool> end_abandoned_run(std::shared_ptr<stream_state> stream, run::abandonment fate);

/// The run has come to its own end.
[[nodiscard]] bool has_ended(const stream_state& stream) noexcept;

}  // namespace corun::detail
