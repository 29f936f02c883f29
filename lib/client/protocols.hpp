#pragma once
#include "api/api_client.hpp"
#include "stream/context.hpp"
#include "stream/protocol.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>

/// The protocols that a client can speak. Nothing else of the library names them all.
namespace corun::detail {

/// A client of the protocol that its options name.
[[nodiscard]] std::shared_ptr<api_client> make_api_client(asio::any_io_executor executor, std::string_view endpoint,
                                                          corun::credential credential, client_options options,
                                                          std::shared_ptr<net::transport> transport,
                                                          std::shared_ptr<net::clock> clock);

/// Takes over the MCP servers that corun is to call, before the run is begun or continued.
[[nodiscard]] asio::awaitable<void> open_client_servers(std::shared_ptr<run_context> run);

/// A new run in the protocol of its client.
[[nodiscard]] std::unique_ptr<run_protocol> make_run_protocol(std::shared_ptr<run_context> run);

/// A run that is there, started by this process or another one.
[[nodiscard]] asio::awaitable<std::unique_ptr<run_protocol>> attach_run_protocol(std::shared_ptr<run_context> run,
                                                                                 run_position position);

/// A run that waits for answers in the thread of `run`. Only for a protocol with `resource_codec::runs`.
[[nodiscard]] asio::awaitable<std::unique_ptr<run_protocol>> find_run_protocol(std::shared_ptr<run_context> run,
                                                                               std::string run_id);

}  // namespace corun::detail
