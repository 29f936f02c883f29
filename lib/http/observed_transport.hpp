#pragma once
#include "async/notifier.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"

#include <memory>
#include <string_view>

namespace corun::detail {

/// True for header fields of a request whose values may be shown. All others may be secrets.
[[nodiscard]] bool is_shown_header(std::string_view name) noexcept;

/// A transport that reports the traffic of `inner` to `observer::on_request` and `on_wire`; `inner` itself if neither
/// is set.
std::shared_ptr<net::transport> observed_transport(std::shared_ptr<net::transport> inner,
                                                   std::shared_ptr<net::clock> clock, notifier hooks);

}  // namespace corun::detail
