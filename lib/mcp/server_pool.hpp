#pragma once
#include "async/notifier.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"
#include <corun/mcp/server.hpp>
#include <corun/options.hpp>

#include <asio/any_io_executor.hpp>

#include <map>
#include <memory>
#include <string>

namespace corun::mcp {

/// The MCP servers that the runs of a client call. Runs share their connections, and what each server speaks; runs of
/// one principal share lists of tools.
class server_pool {
public:
    /// Of a client with these options. Its proxy and certificates of authorities apply; its own certificate, its socket
    /// and its header fields are for its service alone.
    server_pool(asio::any_io_executor executor, std::shared_ptr<net::clock> clock, detail::notifier hooks,
                const client_options& options);

    /// Throws `errc::invalid_endpoint`.
    [[nodiscard]] server at(const std::string& url);

private:
    asio::any_io_executor executor_;
    std::shared_ptr<net::clock> clock_;
    detail::notifier hooks_;
    server_options options_;
    std::map<std::string, std::vector<std::string>> resolve_;
    std::shared_ptr<net::transport> transport_;  ///< Null before it is needed.
    std::map<std::string, server> servers_;      ///< By URL.
};

}  // namespace corun::mcp
