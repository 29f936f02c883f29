#pragma once
#include "net/transport.hpp"
#include <corun/export.hpp>

#include <asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

/// The one real transport: libcurl's multi interface on an Asio executor.
namespace corun::curl {

struct CORUN_API options {
    options() = default;

    std::string ca_file;               ///< PEM file instead of the system's trust store.
    std::optional<std::string> proxy;  ///< Absent: from the environment. Empty: none.
    long receive_buffer_bytes = 16 << 10;
};

/// Connections are kept and reused for as long as the transport lives. Everything happens on
/// `executor`, a single-threaded context or a strand.
CORUN_API std::shared_ptr<net::transport> make_transport(asio::any_io_executor executor, options settings = {});

}  // namespace corun::curl
