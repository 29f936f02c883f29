#pragma once
#include "async/notifier.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"

#include <memory>

namespace corun::detail {

/// A transport that tells `observer::on_request` and `on_wire` of what goes over `inner`; `inner`
/// itself when nobody wants to know.
std::shared_ptr<net::transport> observed_transport(std::shared_ptr<net::transport> inner,
                                                   std::shared_ptr<net::clock> clock, notifier observer);

}  // namespace corun::detail
