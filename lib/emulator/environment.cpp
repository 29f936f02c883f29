#include "emulator/environment.hpp"

#include "emulator/execution.hpp"

#include <chrono>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

namespace corun::emulator {

environment::environment(asio::io_context& io, service_options service)
    : context(io), options(std::move(service)), mcp(io.get_executor()) {
    if (!options.clock) options.clock = [] { return std::chrono::system_clock::now(); };
}

std::int64_t environment::now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(options.clock().time_since_epoch()).count();
}

std::string environment::make_id(const std::string& prefix) {
    // splitmix64 of a counter.
    static constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string id = prefix;
    std::uint64_t state = ++ids_;
    for (int i = 0; i != 24; ++i) {
        state += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        id += alphabet[(mixed ^ (mixed >> 31)) % alphabet.size()];
    }
    return id;
}

mcp_client::target environment::mcp_target(std::string url, recorded_mcp_request record) {
    mcp_client::target target;
    target.url = std::move(url);
    target.headers = record.headers;
    target.timeout = options.mcp_timeout;
    // Reports can arrive when the emulator has gone.
    target.observe = [weak = weak_from_this(), record = std::move(record)](const std::string& method, int status) {
        const auto self = weak.lock();
        if (!self) return;
        recorded_mcp_request request = record;
        request.method = method;
        request.status = status;
        self->keep(std::move(request));
    };
    return target;
}

void environment::keep(recorded_mcp_request request) {
    if (mcp_requests.size() >= options.recorded_requests)
        mcp_requests.erase(mcp_requests.begin(), mcp_requests.begin() + std::ssize(mcp_requests) / 2);
    mcp_requests.push_back(std::move(request));
}

void environment::stop() {
    stopped = true;
    // One that is interrupted may go, and with it its entry.
    std::vector<std::shared_ptr<execution>> interrupted;
    for (execution* one : executions) interrupted.push_back(one->shared_from_this());
    for (const auto& one : interrupted) one->interrupt();
}

}  // namespace corun::emulator
