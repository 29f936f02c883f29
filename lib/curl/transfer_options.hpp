#pragma once
#include "curl/connect_queue.hpp"
#include "curl/curl_transport.hpp"
#include "curl/easy_handle.hpp"
#include "net/transport.hpp"

#include <map>
#include <string>
#include <string_view>

namespace corun::curl {

/// What is known of a server.
struct server_state {
    bool speaks_http2 = false;  ///< Its latest response over TLS was HTTP/2.
    connect_queue connecting;
};

/// What the transfers of one transport share.
struct transport_state {
    /// Throws `errc::invalid_argument`.
    explicit transport_state(options transport_options);

    options settings;
    bool has_default_ca_file;  ///< The file of certificates that libcurl was built for exists.
    line_list resolve;         ///< For `CURLOPT_RESOLVE`.
    std::map<std::string, server_state, std::less<>> servers;  ///< By origin.

    /// The server, if its latest response was HTTP/2; null otherwise.
    [[nodiscard]] server_state* http2_server(std::string_view origin) noexcept;
};

/// How a request uses its connection.
enum class connection_use {
    exclusive,      ///< No other request may share it.
    shared,         ///< Other requests may share it.
    shared_stream,  ///< Likewise. It cannot be paused: bytes that arrive while the stream is paused are stored.
};
[[nodiscard]] connection_use connection_use_of(const net::request& request, const options& settings) noexcept;

/// Sets every option of a request but the callbacks. `shares_http2`: it may share a connection, and its server speaks
/// HTTP/2.
void set_options(easy_handle& easy, const net::request& request, const transport_state& transport, connection_use use,
                 bool shares_http2);

}  // namespace corun::curl
