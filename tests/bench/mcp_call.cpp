// What a call of an MCP tool on a warm connection costs its process, beside a bare libcurl loop that posts the same.
//
// Usage: bench-mcp_call [calls]. The server is a process of its own.
#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string number_after(std::string_view text, std::string_view name) {
    const std::size_t at = text.find(name);
    if (at == text.npos) return "0";
    const std::size_t begin = at + name.size(), end = text.find_first_not_of("0123456789", begin);
    return std::string(text.substr(begin, end - begin));
}

/// Answers every request on one connection. Returns the number of requests.
void serve(int connection) {
    std::string received;
    char buffer[65536];
    for (ssize_t size; (size = ::read(connection, buffer, sizeof buffer)) > 0;) {
        received.append(buffer, static_cast<std::size_t>(size));
        const std::size_t head = received.find("\r\n\r\n");
        if (head == received.npos) continue;
        const std::size_t body = std::stoul(number_after(received, "Content-Length: "));
        if (received.size() < head + 4 + body) continue;
        const std::string answer = R"({"jsonrpc":"2.0","id":)" + number_after(received, "\"id\":") +
                                   R"(,"result":{"content":[{"type":"text","text":"Seat 14A is booked."}]}})";
        const std::string response =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(answer.size()) +
            "\r\n\r\n" + answer;
        if (::write(connection, response.data(), response.size()) < 0) break;
        received.clear();
    }
}

double cpu_microseconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto micros = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return micros(used.ru_utime) + micros(used.ru_stime);
}

asio::awaitable<void> call_tools(std::string url, int calls) {
    corun::mcp::server_options options;
    options.revisions = corun::mcp::revisions::modern;
    corun::mcp::server server(co_await asio::this_coro::executor, url, options);
    const corun::mcp::session session(server);
    const corun::headers fields(corun::header("Authorization", "Bearer 0123456789"));
    for (int i = 0; i != calls; ++i) {
        const corun::mcp::tool_result result = co_await session.call_tool("reserve_seat", R"({"seat":"14A"})", fields);
        if (result.text() != "Seat 14A is booked.") std::abort();
    }
}

std::size_t ignore(char*, std::size_t, std::size_t size, void*) {
    return size;
}

void post_bare(const std::string& url, int calls) {
    CURL* const easy = ::curl_easy_init();
    const std::string body(300, ' ');
    ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
    for (int i = 0; i != calls; ++i)
        if (::curl_easy_perform(easy) != CURLE_OK) std::abort();
    ::curl_easy_cleanup(easy);
}

template <class Work>
double cost_of(int calls, Work work) {
    const double before = cpu_microseconds();
    work();
    return (cpu_microseconds() - before) / calls;
}

}  // namespace

int main(int argc, char** argv) {
    const int calls = argc > 1 ? std::atoi(argv[1]) : 20'000;
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 16) != 0) return 1;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    int counter[2];
    if (::pipe(counter) != 0) return 1;
    const pid_t server = ::fork();
    if (server == 0) {
        for (int connection; (connection = ::accept(listener, nullptr, nullptr)) >= 0;) {
            if (::write(counter[1], "+", 1) != 1) return 1;
            serve(connection);
            ::close(connection);
        }
        return 0;
    }
    const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/mcp";
    const double bare = cost_of(calls, [&] { post_bare(url, calls); });
    const double called = cost_of(calls, [&] { corun::sync_wait(call_tools(url, calls)); });
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
    ::close(counter[1]);
    char pluses[64];
    const auto connections = ::read(counter[0], pluses, sizeof pluses);
    std::printf("%d calls each; %zd connections for both\n", calls, connections);
    std::printf("bare libcurl    %6.1f us of CPU a request\n", bare);
    std::printf("corun           %6.1f us of CPU a call, %.1f us more\n", called, called - bare);
}
