#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/sync_wait.hpp>

#include <string>

// A function of the application.
asio::awaitable<std::string> forecast(corun::client client, std::string city) {
    corun::agent agent = co_await client.create_agent(corun::agent_definition("gpt-4o"));
    corun::run_result result = co_await agent.run("The weather in " + city);
    co_return result.text();
}

int main() {
    asio::io_context io;
    corun::emulator::service service(io);
    service.script("Oslo", {corun::emulator::step::reply("It will be cold.")});
    service.inject(corun::emulator::fault::cut().after_events(6));  // corun finds the run again

    corun::client client(io.get_executor(), service.endpoint(), corun::credential::bearer(service.token()));
    const std::string text = corun::sync_wait(io, forecast(client, "Oslo"));
    if (text != "It will be cold.") return 1;
    return service.requests().empty() ? 1 : 0;
}
