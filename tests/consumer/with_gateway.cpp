// A server of another project, with the gateway in its own process.
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/gateway/gateway.hpp>
#include <corun/sync_wait.hpp>

#include <optional>

namespace {

asio::awaitable<bool> serves(asio::io_context& io, corun::client client) {
    corun::gateway::gateway_options options;
    options.sign_in = [](corun::gateway::request_head) -> std::optional<corun::gateway::user> {
        return corun::gateway::user("somebody");
    };
    const corun::agent agent = co_await client.create_agent(corun::agent_definition("gpt-4o"));
    corun::gateway::gateway_server server(io, client, agent, options);
    co_await server.ready();
    const bool listens = server.url().starts_with("http://127.0.0.1:");
    server.stop();
    co_return listens;
}

}  // namespace

int main() {
    asio::io_context io;
    const corun::emulator::service service(io);
    const corun::client client(io.get_executor(), service.endpoint(), corun::credential::bearer(service.token()));
    return corun::sync_wait(io, serves(io, client)) ? 0 : 1;
}
