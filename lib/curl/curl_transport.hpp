#pragma once
#include "net/transport.hpp"
#include <corun/secret.hpp>

#include <asio/any_io_executor.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The one real transport: libcurl's multi interface on an Asio executor.
namespace corun::curl {

/// As the members of `client_options` of the same names.
struct options {
    options() = default;

    std::string ca_file;
    std::string client_certificate_file, client_key_file;
    secret client_key_passphrase;
    std::optional<std::string> proxy;
    std::string unix_socket;
    std::map<std::string, std::vector<std::string>> resolve;
    bool multiplex_streams = false;
    std::size_t max_backlog_bytes = std::size_t{4} << 20;
    long receive_buffer_bytes = 16 << 10;
};

/// Connections are kept and reused for as long as the transport lives. Everything happens on
/// `executor`, a single-threaded context or a strand. Throws `errc::invalid_argument`.
std::shared_ptr<net::transport> make_transport(asio::any_io_executor executor, options settings = {});

}  // namespace corun::curl
