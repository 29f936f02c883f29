// A web server that passes a run on to a browser: GET /chat?QUESTION is answered with Server-Sent Events.
#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <asio.hpp>

#include <iostream>
#include <stdexcept>

asio::awaitable<void> serve(asio::ip::tcp::socket browser, corun::agent agent) {
    std::string request, head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    co_await asio::async_read_until(browser, asio::dynamic_buffer(request, 8192), "\r\n\r\n", asio::use_awaitable);
    const std::size_t begin = request.find('?') + 1;
    std::string question = request.substr(begin, request.find(' ', begin) - begin);
    corun::run_options options;
    options.on_abandon = corun::abandoned_run::cancelled;  // a closed tab ends its run
    corun::event_stream stream = co_await agent.run_stream(question, options);
    co_await asio::async_write(browser, asio::buffer(head), asio::use_awaitable);
    while (auto event = co_await stream.next()) {
        std::string frame = corun::sse::format({event->name(), event->raw(), ""});
        co_await asio::async_write(browser, asio::buffer(frame), asio::use_awaitable);
    }
}

asio::awaitable<void> listen(std::string endpoint, std::string token, std::string agent_id) {
    auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);
    asio::ip::tcp::acceptor server(executor, {asio::ip::address_v4::loopback(), 0});
    std::cout << "http://localhost:" << server.local_endpoint().port() << "/chat?Hello" << std::endl;
    while (true) {
        asio::ip::tcp::socket browser = co_await server.async_accept(asio::use_awaitable);
        asio::co_spawn(executor, serve(std::move(browser), agent), asio::detached);
    }
}

int main(int argc, char** argv) try {
    if (argc != 4) throw std::invalid_argument("usage: relay ENDPOINT TOKEN AGENT_ID");
    corun::sync_wait(listen(argv[1], argv[2], argv[3]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
