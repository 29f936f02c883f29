#include "emulator/api_server.hpp"
#include "emulator/script.hpp"
#include <corun/emulator/emulator.hpp>

#include <utility>

namespace corun::emulator {

struct service::impl : api_server {
    using api_server::api_server;
};

service_options::service_options() = default;

std::string recorded_request::header(std::string_view name) const {
    return std::string(http::find(headers, name));
}
std::string recorded_mcp_request::header(std::string_view name) const {
    return std::string(http::find(headers, name));
}

service::service(asio::io_context& context, service_options options)
    : impl_(std::make_shared<impl>(context, std::move(options))) {
    impl_->listen();
}
service::~service() {
    if (impl_) stop();
}
service::service(service&&) noexcept = default;
service& service::operator=(service&& other) noexcept {
    if (impl_ && this != &other) stop();
    impl_ = std::move(other.impl_);
    return *this;
}

std::string service::endpoint() const {
    return impl_->endpoint();
}
const std::string& service::token() const noexcept {
    return impl_->token();
}
service_options& service::options() noexcept {
    return impl_->environment().options;
}

void service::script(std::string match, std::vector<step> steps) {
    impl_->environment().scripts.emplace_back(std::move(match), std::move(steps));
}
void service::load_scripts(std::string_view text) {
    for (auto& one : scripts_of(text)) impl_->environment().scripts.push_back(std::move(one));
}

std::string service::add_agent(std::string definition) {
    return impl_->add_agent(std::move(definition));
}

std::string service::add_file(std::string filename, std::string bytes, std::string purpose) {
    return impl_->files().add_file(std::move(filename), std::move(bytes), std::move(purpose))->id;
}

std::pair<std::string, std::string> service::add_container_file(std::string filename, std::string bytes) {
    return impl_->responses().add_container_file(filename, std::move(bytes));
}

void service::inject(emulator::fault fault) {
    impl_->environment().faults.add(std::move(fault));
}
void service::load_faults(std::string_view text) {
    for (auto& one : faults_of(text)) inject(std::move(one));
}

const std::vector<recorded_request>& service::requests() const noexcept {
    return impl_->requests();
}
const std::vector<recorded_mcp_request>& service::mcp_requests() const noexcept {
    return impl_->environment().mcp_requests;
}
void service::forget_requests() noexcept {
    impl_->forget_requests();
}

void service::stop() {
    impl_->stop();
}

}  // namespace corun::emulator
