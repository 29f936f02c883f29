// What another project does with corun: it compiles without a warning, finds every symbol, and runs.
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

namespace {

corun::mcp_headers make_headers() {
    corun::mcp_headers headers;
    headers.set("my_mcp_server", "Authorization", "Bearer " + std::string("token"));
    return headers;
}

bool hides_secrets() {
    std::ostringstream shown;
    shown << make_headers();
    return shown.str() == "my_mcp_server\n  Authorization: ***\n";
}

/// An address where nobody listens.
std::string unreachable_endpoint(asio::io_context& io) {
    asio::ip::tcp::acceptor gone(io, {asio::ip::address_v4::loopback(), 0});
    return "http://127.0.0.1:" + std::to_string(gone.local_endpoint().port()) + "/api/projects/none";
}

asio::awaitable<std::string> ask(std::string endpoint) {
    corun::client_options options;
    options.proxy = "";
    corun::client client{co_await asio::this_coro::executor, std::move(endpoint),
                         corun::credential::bearer(corun::secret("token")), options};
    corun::agent agent = co_await client.get_agent("asst_123");

    // Nobody answers, so nothing below runs here; that it links is what counts.
    corun::agent_thread thread = co_await client.create_thread();
    corun::event_stream stream = co_await agent.run_stream(thread, "Hello", make_headers());
    std::string text;
    while (auto event = co_await stream.next())
        if (const auto* delta = event->get_if<corun::events::text_delta>()) text += delta->text;
    const corun::run_result result = co_await agent.run("Hello");
    co_return text + result.text();
}

bool reports_that_nobody_answers() {
    asio::io_context io;
    bool reported = false;
    asio::co_spawn(io, ask(unreachable_endpoint(io)), [&](std::exception_ptr failure, const std::string&) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const corun::error& e) {
            std::cout << e.what() << '\n';
            reported = e.code() == corun::errc::connect_failed && corun::is_retryable(e.code());
        }
    });
    io.run();
    return reported;
}

}  // namespace

int main() {
    std::cout << CORUN_VERSION << '\n';
    return hides_secrets() && reports_that_nobody_answers() ? 0 : 1;
}
