// What a test of another project does: it talks to the emulator in its own process.
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/sync_wait.hpp>

#include <string>

namespace {

asio::awaitable<std::string> ask(corun::client client) {
    corun::agent agent = co_await client.create_agent(corun::agent_definition("gpt-4o"));
    const corun::run_result result = co_await agent.run("Say yes");
    co_return result.text();
}

}  // namespace

int main() {
    asio::io_context io;
    corun::emulator::service service(io);
    service.script("Say yes", {corun::emulator::step::reply("Yes.")});
    const corun::client client(io.get_executor(), service.endpoint(), corun::credential::bearer(service.token()));
    return corun::sync_wait(io, ask(client)) == "Yes." ? 0 : 1;
}
