#include "curl/curl_transport.hpp"

#include "curl/driver.hpp"
#include "curl/easy_transfer.hpp"
#include "curl/transfer_options.hpp"

#include <utility>

namespace corun::curl {
namespace {

class curl_transport final : public net::transport {
public:
    curl_transport(asio::any_io_executor executor, options settings)
        : driver_(std::make_shared<driver>(std::move(executor))),
          state_(std::make_shared<transport_state>(std::move(settings))) {}

    std::unique_ptr<net::transfer> start(net::request request, net::sink& receiver) override {
        return start_transfer(driver_, std::move(request), receiver, state_);
    }

private:
    std::shared_ptr<driver> driver_;
    std::shared_ptr<transport_state> state_;
};

}  // namespace

std::shared_ptr<net::transport> make_transport(asio::any_io_executor executor, options settings) {
    return std::make_shared<curl_transport>(std::move(executor), std::move(settings));
}

}  // namespace corun::curl
