#pragma once
#include "curl/curl_transport.hpp"
#include "curl/easy_handle.hpp"
#include "net/transport.hpp"

#include <set>
#include <string>

namespace corun::curl {

/// What the transfers of one transport share.
struct transport_state {
    /// Throws `errc::invalid_argument`.
    explicit transport_state(options transport_options);

    options settings;
    bool has_default_ca_file;                          ///< The file of certificates that libcurl was built for exists.
    line_list resolve;                                 ///< For `CURLOPT_RESOLVE`.
    std::set<std::string, std::less<>> http2_origins;  ///< Whose latest response over TLS was HTTP/2.
};

/// How a request uses its connection.
enum class connection_use {
    exclusive,      ///< No other request may share it.
    shared,         ///< Other requests may share it.
    shared_stream,  ///< Likewise. It cannot be paused: bytes that arrive while the stream is paused are stored.
};
[[nodiscard]] connection_use connection_use_of(const net::request& request, const options& settings) noexcept;

/// Sets every option of a request but the callbacks.
void set_options(easy_handle& easy, const net::request& request, const transport_state& transport, connection_use use);

}  // namespace corun::curl
