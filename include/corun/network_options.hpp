#pragma once
#include <corun/export.hpp>
#include <corun/secret.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun {

/// How connections are made: a part of `client_options`.
struct CORUN_API network_options {
    network_options() = default;

    /// A PEM file of trusted CA certificates instead of the system's. The certificates of the service and of an https
    /// proxy are always verified. TLS 1.2 or later.
    std::string ca_file;
    /// PEM files of the client certificate and its private key, for services and gateways that require one. The key can
    /// be in the certificate's file. Connections fail with `errc::tls_failed` if the files cannot be read or do not
    /// match, or if the server requires a certificate and there is none.
    std::string client_certificate_file, client_key_file;
    /// The passphrase of an encrypted private key.
    secret client_key_passphrase;

    /// The proxy's URL: `http://`, `https://`, `socks5h://` or another scheme of libcurl, with `user:password@` if
    /// needed. https endpoints are reached through a tunnel. Connections fail with `errc::connect_failed` if the proxy
    /// rejects them. Empty: no proxy. Absent: the environment's, as in libcurl: `https_proxy` or `HTTPS_PROXY` for
    /// https endpoints, `http_proxy` (lower case only) for http, otherwise `all_proxy` or `ALL_PROXY`, except for hosts
    /// in `no_proxy` or `NO_PROXY`. Never used for loopback addresses.
    std::optional<std::string> proxy;
    /// The path of a Unix socket to connect to instead of the endpoint's host. The endpoint specifies the rest of the
    /// URL, such as `http://localhost/api/projects/one`. Credentials over http are allowed, because they do not leave
    /// the machine. The environment's proxy is ignored; setting `proxy` too fails with `errc::invalid_argument`.
    std::string unix_socket;
    /// Addresses to use for a host and port instead of DNS: `{"service.example:443", {"10.0.0.7", "fd00::7"}}`. Ignored
    /// for loopback hosts. Certificates are still verified for the host name, and the rules for credentials still
    /// depend on it. Invalid hosts and addresses fail with `errc::invalid_argument`.
    std::map<std::string, std::vector<std::string>> resolve;

    /// Lets up to 100 streams share an HTTP/2 connection if the service supports HTTP/2. By default, each stream has
    /// its own connection. A multiplexed stream whose reading is paused cannot slow down its sender, so its data is
    /// buffered. If the buffer exceeds `max_backlog_bytes`, the stream fails with `std::errc::no_buffer_space` after
    /// its queued events.
    bool multiplex_streams = false;
    /// The largest buffer of a paused multiplexed stream, in addition to `high_water_bytes`.
    std::size_t max_backlog_bytes = std::size_t{4} << 20;
};

}  // namespace corun
