#pragma once
#include "curl/driver.hpp"
#include "curl/transfer_options.hpp"
#include "net/transport.hpp"

#include <memory>

namespace corun::curl {

/// Starts a request. Throws `std::bad_alloc`.
[[nodiscard]] std::unique_ptr<net::transfer> start_transfer(std::shared_ptr<driver> driver, net::request request,
                                                            net::sink& receiver,
                                                            std::shared_ptr<transport_state> transport);

}  // namespace corun::curl
