// What a streamed run costs its process, beside a bare libcurl loop that throws the same bytes away.
//
// In both protocols, with one stream and with 64. Usage: bench-run_stream [events] [rounds]. The server is a process of
// its own, so that only the client's CPU time is measured; the ways take turns in every round, and medians are printed.
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::size_t events = 200'000;
std::uint16_t port = 0;

// The server: blocking, a process a connection, everything prepared.

std::string chunked(std::string_view frame) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", frame.size());
    return size + std::string(frame) + "\r\n";
}

std::string run_frame(std::string_view status) {
    return "event: thread.run." + std::string(status) +
           "\ndata: "
           "{\"id\":\"run_1\",\"object\":\"thread.run\",\"thread_id\":\"thread_1\",\"assistant_id\":\"asst_1\","
           "\"status\":\"" +
           std::string(status == "created" ? "queued" : status) + "\"}\n\n";
}

const char* const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const char* const words[] = {" Bring", " a", " coat", ",", " it", " will", " be", " cold"};

std::string stream_of_thread() {
    std::string stream = head + chunked(run_frame("created"));
    for (std::size_t i = 0; i < events; ++i)
        stream += chunked(
            "event: thread.message.delta\ndata: "
            "{\"id\":\"msg_abcdefghijklmnopqrstuvwx\",\"object\":\"thread.message.delta\","
            "\"delta\":{\"content\":[{\"index\":0,\"type\":\"text\",\"text\":{\"value\":\"" +
            std::string(words[i % 8]) + "\"}}]}}\n\n");
    stream += chunked(run_frame("completed")) + chunked("event: done\ndata: [DONE]\n\n") + "0\r\n\r\n";
    return stream;
}

std::string response_frame(std::string_view type, std::string_view status, std::size_t number) {
    return "event: response." + std::string(type) + "\ndata: {\"type\":\"response." + std::string(type) +
           "\",\"sequence_number\":" + std::to_string(number) +
           ",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" + std::string(status) +
           "\",\"output\":[]}}\n\n";
}

std::string stream_of_response() {
    std::string stream = head + chunked(response_frame("created", "in_progress", 0));
    for (std::size_t i = 0; i < events; ++i)
        stream += chunked(
            "event: response.output_text.delta\ndata: "
            "{\"type\":\"response.output_text.delta\",\"sequence_number\":" +
            std::to_string(i + 1) +
            ",\"item_id\":\"msg_abcdefghijklmnopqrstuvwx\",\"output_index\":0,\"content_index\":0,\"delta\":\"" +
            std::string(words[i % 8]) + "\",\"logprobs\":[]}\n\n");
    stream += chunked(response_frame("completed", "completed", events + 1)) + "0\r\n\r\n";
    return stream;
}

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), std::min<std::size_t>(bytes.size(), 256 << 10), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void serve(int fd, const std::string& of_thread, const std::string& of_response) {
    const std::string agent =
        R"({"id":"asst_1","object":"assistant","created_at":1,"model":"gpt-4o","tools":[],"tool_resources":{}})";
    std::string request;
    char buffer[16384];
    for (;;) {
        const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
        if (size <= 0) return;
        request.append(buffer, static_cast<std::size_t>(size));
        const std::size_t end = request.find("\r\n\r\n");
        if (end == request.npos) continue;
        if (request.starts_with("GET")) {
            send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                             std::to_string(agent.size()) + "\r\n\r\n" + agent);
        } else {
            // The body comes with the head or right after it, and ends in a brace.
            while (!request.ends_with('}')) {
                const ssize_t more = ::recv(fd, buffer, sizeof buffer, 0);
                if (more <= 0) return;
                request.append(buffer, static_cast<std::size_t>(more));
            }
            send_all(fd, request.starts_with("POST /v1/responses") ? of_response : of_thread);
        }
        request.clear();
    }
}

pid_t start_server() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 512) != 0)
        std::exit(1);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    const pid_t child = ::fork();
    if (child != 0) {
        ::close(listener);
        return child;
    }
    std::signal(SIGCHLD, SIG_IGN);
    const std::string of_thread = stream_of_thread(), of_response = stream_of_response();
    for (;;) {
        const int fd = ::accept(listener, nullptr, nullptr);
        if (fd < 0) std::_Exit(0);
        if (::fork() == 0) {
            serve(fd, of_thread, of_response);
            std::_Exit(0);
        }
        ::close(fd);
    }
}

// The ways.

std::string base() {
    return "http://127.0.0.1:" + std::to_string(port);
}

std::size_t discard(char*, std::size_t, std::size_t size, void* total) {
    *static_cast<std::size_t*>(total) += size;
    return size;
}

/// A bare libcurl multi loop that discards.
void bare_libcurl(std::size_t streams, corun::protocol protocol) {
    CURLM* multi = curl_multi_init();
    std::vector<CURL*> handles;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < streams; ++i) {
        CURL* easy = curl_easy_init();
        const std::string url = base() + (protocol == corun::protocol::responses ? "/v1/responses" : "/threads/runs");
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "{}");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &bytes);
        curl_multi_add_handle(multi, easy);
        handles.push_back(easy);
    }
    int running = 1;
    while (running) {
        curl_multi_perform(multi, &running);
        if (running) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    for (CURL* easy : handles) {
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi);
    if (bytes < streams * events * 100) std::exit(2);
}

asio::awaitable<void> with_next(corun::agent agent, std::size_t& deltas) {
    corun::event_stream stream = co_await agent.run_stream("go");
    while (auto event = co_await stream.next())
        if (event->get_if<corun::events::text_delta>()) ++deltas;
}

asio::awaitable<void> with_try_next(corun::agent agent, std::size_t& deltas) {
    corun::event_stream stream = co_await agent.run_stream("go");
    while (auto event = co_await stream.next()) {
        if (event->get_if<corun::events::text_delta>()) ++deltas;
        while (auto more = stream.try_next())
            if (more->get_if<corun::events::text_delta>()) ++deltas;
    }
}

void with_corun(std::size_t streams, corun::protocol protocol,
                asio::awaitable<void> (*consume)(corun::agent, std::size_t&)) {
    asio::io_context io(1);
    corun::client_options options;
    options.protocol = protocol;
    const bool responses = protocol == corun::protocol::responses;
    corun::client client(io.get_executor(), base() + (responses ? "/v1" : ""), corun::credential(), options);
    std::size_t deltas = 0;
    const auto all = [&]() -> asio::awaitable<void> {
        corun::agent agent;
        if (responses)
            agent = client.local_agent(corun::prompt_agent_definition("gpt-4o"));
        else
            agent = co_await client.get_agent("asst_1");
        for (std::size_t i = 0; i < streams; ++i)
            asio::co_spawn(io, consume(agent, deltas), [](std::exception_ptr e) {
                if (e) std::rethrow_exception(e);
            });
    };
    asio::co_spawn(io, all(), [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
    });
    io.run();
    if (deltas != streams * events) std::exit(3);
}

double cpu_ns() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return (static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
            static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec)) *
           1e3;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(std::size_t streams, corun::protocol protocol, int rounds) {
    struct way {
        const char* name;
        std::function<void()> go;
        std::vector<double> cost;
    };
    std::vector<way> ways;
    ways.push_back({"bare libcurl multi, discards", [=] { bare_libcurl(streams, protocol); }, {}});
    ways.push_back({"run_stream, next() per event", [=] { with_corun(streams, protocol, with_next); }, {}});
    ways.push_back({"run_stream, next() then try_next()", [=] { with_corun(streams, protocol, with_try_next); }, {}});
    for (int round = 0; round < rounds; ++round)
        for (way& each : ways) {
            const double before = cpu_ns();
            each.go();
            each.cost.push_back((cpu_ns() - before) / static_cast<double>(events * streams));
        }
    std::printf("%s: %zu stream%s of %zu events, CPU of this process, medians of %d\n",
                protocol == corun::protocol::responses ? "responses" : "threads", streams, streams == 1 ? "" : "s",
                events, rounds);
    const double floor = median(ways.front().cost);
    for (const way& each : ways)
        std::printf("  %-36s %7.0f ns/event   x %.2f\n", each.name, median(each.cost), median(each.cost) / floor);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) events = std::strtoul(argv[1], nullptr, 10);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (const std::size_t streams : {std::size_t{1}, std::size_t{64}}) {
        if (streams != 1) events /= 16;
        // It has its own copy of `events`.
        const pid_t server = start_server();
        for (const corun::protocol protocol : {corun::protocol::threads, corun::protocol::responses})
            compare(streams, protocol, rounds);
        ::kill(server, SIGTERM);
        ::waitpid(server, nullptr, 0);
    }
}
