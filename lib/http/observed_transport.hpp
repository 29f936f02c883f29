#pragma once
#include "async/notifier.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"

#include <memory>

namespace corun::detail {

/// A transport that reports the traffic of `inner` to `observer::on_request` and `on_wire`; `inner` itself if neither
/// is set.
std::shared_ptr<net::transport> observed_transport(std::shared_ptr<net::transport> inner,
                                                   std::shared_ptr<net::clock> clock, notifier hooks);

}  // namespace corun::detail
