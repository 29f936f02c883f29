#pragma once
#include "net/transport.hpp"
#include <corun/network_options.hpp>

#include <asio/any_io_executor.hpp>

#include <memory>
#include <utility>

/// The one real transport: libcurl's multi interface on an Asio executor.
namespace corun::curl {

struct options : network_options {
    options() = default;
    explicit options(network_options network) : network_options(std::move(network)) {}

    long receive_buffer_bytes = 16 << 10;
};

/// Connections are kept and reused for as long as the transport lives. Everything happens on
/// `executor`, a single-threaded context or a strand. Throws `errc::invalid_argument`.
std::shared_ptr<net::transport> make_transport(asio::any_io_executor executor, options settings = {});

}  // namespace corun::curl
