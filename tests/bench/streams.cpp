// What streamed runs cost the process that reads them. One measurement for each process; run.sh compares them.
//
//     bench-streams firehose WAY PROTOCOL PORT STREAMS EVENTS    nanoseconds of CPU per event
//     bench-streams paced WAY PROTOCOL PORT STREAMS SECONDS      microseconds of CPU per event, memory, latency
//     bench-streams begin WAY PROTOCOL PORT STREAMS              microseconds of CPU per run, time to the last token
//     bench-streams threads WAY PROTOCOL PORT STREAMS EVENTS     as firehose, with two clients on two threads
//     bench-streams multiplexed WAY PROTOCOL PORT STREAMS SECONDS    as paced, over HTTP/2 on shared connections
//
// WAY: `bare`, a libcurl loop that throws the bytes away (firehose) or searches them for the text (paced); `next`,
// `try_next` or `batch` of corun. PROTOCOL: `threads` or `responses`. The server is load_server; with `multiplexed`,
// PORT is that of an nginx before it, and the environment variable BENCH_CA names the file of its authority. Prints one
// line of JSON.
#include "bare_loop.hpp"
#include "now.hpp"
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using corun::bench::bare_loop;
using corun::bench::now_ns;

double cpu_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// libcurl also has a pair of sockets for itself.
std::size_t open_connections() {
    std::size_t connections = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        sockaddr_storage peer{};
        socklen_t size = sizeof(peer);
        const int file = std::stoi(entry.path().filename());
        connections += ::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.ss_family == AF_INET;
    }
    return connections;
}

double resident_kb() {
    long size = 0, resident = 0;
    FILE* const file = std::fopen("/proc/self/statm", "r");
    if (!file || std::fscanf(file, "%ld %ld", &size, &resident) != 2) std::exit(5);
    std::fclose(file);
    return static_cast<double>(resident) * 4;
}

struct arguments {
    std::string measurement, way, port;
    bool responses = false;
    std::size_t streams = 1, amount = 0;

    [[nodiscard]] bool multiplexed() const { return measurement == "multiplexed"; }
    [[nodiscard]] bool paced() const { return measurement == "paced" || multiplexed(); }
    [[nodiscard]] std::string base() const {
        return (multiplexed() ? "https://localhost:" : "http://127.0.0.1:") + port + (responses ? "/v1" : "");
    }
    [[nodiscard]] std::string url() const { return base() + (responses ? "/responses" : "/threads/runs"); }
};

/// What the streams of one measurement have brought.
class measurement {
public:
    explicit measurement(const arguments& request)
        : request_(request), paced_(request.paced()), rss_at_start_(resident_kb()) {
        if (paced_) latencies_.reserve(4'000'000);
    }

    /// From here on events count.
    void begin() {
        cpu_ = cpu_seconds();
        begun_ = now_ns();
        rss_ = resident_kb();
    }

    void text(std::string_view text) {
        ++events_;
        if (!paced_ || begun_ == 0) return;
        ++counted_;
        std::uint64_t sent = 0;
        std::from_chars(text.data(), text.data() + text.size(), sent);
        if (sent >= begun_) latencies_.push_back(static_cast<std::uint32_t>((now_ns() - sent) / 100));
    }
    void bytes(std::size_t size) { bytes_ += size; }

    [[nodiscard]] std::size_t events() const { return events_; }
    [[nodiscard]] std::size_t received() const { return bytes_; }

    void report_firehose() const {
        const auto events = static_cast<double>(request_.streams * request_.amount);
        std::printf("{\"cpu_ns\": %.1f, \"rss_mb\": %.1f}\n", (cpu_seconds() - cpu_) * 1e9 / events,
                    resident_kb() / 1024);
    }
    void report_paced() {
        const double used = cpu_seconds() - cpu_, seconds = static_cast<double>(now_ns() - begun_) * 1e-9;
        std::sort(latencies_.begin(), latencies_.end());
        const auto quantile = [this](double part) {
            if (latencies_.empty()) return 0.0;
            return latencies_[static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1))] / 10.0;
        };
        std::printf(
            "{\"cpu_us\": %.2f, \"core\": %.2f, \"events_per_second\": %.0f, \"kb_per_stream\": %.2f, "
            "\"p50_us\": %.1f, \"p99_us\": %.1f, \"connections\": %zu}\n",
            used * 1e6 / static_cast<double>(counted_), used / seconds, static_cast<double>(counted_) / seconds,
            (rss_ - rss_at_start_) / static_cast<double>(request_.streams), quantile(0.5), quantile(0.99),
            open_connections());
    }
    void report_begin() const {
        std::printf("{\"cpu_us\": %.2f, \"seconds\": %.3f, \"kb_per_stream\": %.2f}\n",
                    (cpu_seconds() - cpu_) * 1e6 / static_cast<double>(request_.streams),
                    static_cast<double>(now_ns() - begun_) * 1e-9,
                    (resident_kb() - rss_at_start_) / static_cast<double>(request_.streams));
    }

private:
    const arguments& request_;
    const bool paced_;
    double rss_at_start_, rss_ = 0, cpu_ = 0;
    std::uint64_t begun_ = 0;
    std::size_t events_ = 0, counted_ = 0, bytes_ = 0;
    std::vector<std::uint32_t> latencies_;  ///< In tenths of a microsecond.
};

// The bare loop.

std::size_t discard(char*, std::size_t, std::size_t size, void* user) {
    static_cast<measurement*>(user)->bytes(size);
    return size;
}

/// Does what a program must do at the least: cuts the bytes into events, and finds the text of each.
struct bare_stream {
    measurement* measured;
    bool responses;
    std::string rest;

    static std::size_t receive(char* bytes, std::size_t, std::size_t size, void* user) {
        auto& self = *static_cast<bare_stream*>(user);
        std::string_view chunk(bytes, size);
        if (!self.rest.empty()) chunk = self.rest.append(chunk);
        std::size_t end = 0;
        while ((end = chunk.find("\n\n")) != chunk.npos) {
            self.take(chunk.substr(0, end));
            chunk.remove_prefix(end + 2);
        }
        std::string(chunk).swap(self.rest);
        return size;
    }
    void take(std::string_view event) const {
        const std::string_view key = responses ? "\"delta\":\"" : "\"value\":\"";
        const std::size_t begin = event.find(key);
        if (begin == event.npos) return;
        const std::string_view text = event.substr(begin + key.size());
        measured->text(text.substr(0, text.find('"')));
    }
};

void run_bare(const arguments& request, measurement& measured) {
    bare_loop loop;
    const std::string url = request.url();
    if (request.measurement == "firehose") {
        measured.begin();
        for (std::size_t i = 0; i != request.streams; ++i) loop.start(url, discard, &measured);
        loop.run([] { return false; });
        if (measured.received() < request.streams * request.amount * 100) std::exit(3);
        return measured.report_firehose();
    }
    std::deque<bare_stream> streams;
    const auto start = [&] {
        streams.push_back({&measured, request.responses, {}});
        loop.start(url, bare_stream::receive, &streams.back());
    };
    if (request.measurement == "begin") {
        measured.begin();
        for (std::size_t i = 0; i != request.streams; ++i) start();
        loop.run([&] { return measured.events() >= request.streams; });
        return measured.report_begin();
    }
    // As many at once as a server takes.
    const std::uint64_t opened = now_ns();
    const auto open = [&] { return streams.size() == request.streams; };
    while (!open()) {
        for (int i = 0; i != 50 && !open(); ++i) start();
        const std::uint64_t until = now_ns() + 1'000'000;
        loop.run([until] { return now_ns() > until; });
    }
    const std::uint64_t warm = opened + 2'000'000'000 + request.streams * 500'000;
    loop.run([warm] { return now_ns() > warm; });
    measured.begin();
    const std::uint64_t end = now_ns() + request.amount * 1'000'000'000;
    loop.run([end] { return now_ns() > end; });
    measured.report_paced();
}

// corun.

asio::awaitable<void> read_stream(corun::agent agent, const arguments& request, measurement& measured) {
    corun::event_stream stream = co_await agent.run_stream("go");
    const auto take = [&measured](const corun::event& event) {
        if (const auto* delta = event.get_if<corun::events::text_delta>()) measured.text(delta->text);
    };
    if (request.way == "batch") {
        for (bool ended = false; !ended;) {
            const std::span<const corun::event> batch = co_await stream.next_batch();
            for (const corun::event& each : batch) take(each);
            ended = batch.empty();
        }
    } else if (request.way == "try_next") {
        while (auto event = co_await stream.next()) {
            take(*event);
            while (auto more = stream.try_next()) take(*more);
        }
    } else {
        while (auto event = co_await stream.next()) take(*event);
    }
}

asio::awaitable<void> wait(std::chrono::milliseconds delay) {
    asio::steady_timer timer(co_await asio::this_coro::executor, delay);
    co_await timer.async_wait(asio::use_awaitable);
}

void fail(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> run_all(corun::client client, const arguments& request, measurement& measured) {
    const auto executor = client.get_executor();
    corun::agent agent;
    if (request.responses)
        agent = client.local_agent(corun::prompt_agent_definition("gpt-4o"));
    else
        agent = co_await client.get_agent("asst_1");
    const bool paced = request.paced();
    if (!paced) measured.begin();
    for (std::size_t i = 0; i != request.streams; ++i) {
        asio::co_spawn(executor, read_stream(agent, request, measured), fail);
        if (paced && i % 50 == 49) co_await wait(std::chrono::milliseconds(1));
    }
    if (request.measurement == "begin") {
        while (measured.events() < request.streams) co_await wait(std::chrono::milliseconds(1));
        measured.report_begin();
        std::fflush(stdout);
        std::_Exit(0);
    }
    if (!paced) co_return;
    co_await wait(std::chrono::milliseconds(2000 + request.streams / 2));
    measured.begin();
    co_await wait(std::chrono::seconds(request.amount));
    measured.report_paced();
    std::fflush(stdout);
    std::_Exit(0);
}

void run_client(const arguments& request, measurement& measured) {
    asio::io_context io(1);
    corun::client_options options;
    options.protocol = request.responses ? corun::protocol::responses : corun::protocol::threads;
    if (request.multiplexed()) {
        options.multiplex_streams = true;
        if (const char* const file = std::getenv("BENCH_CA")) options.ca_file = file;
    }
    corun::client client(io.get_executor(), request.base(), corun::credential(), options);
    asio::co_spawn(io, run_all(client, request, measured), fail);
    io.run();
    if (measured.events() != request.streams * request.amount) std::exit(3);
}

void run_corun(const arguments& request, measurement& measured) {
    run_client(request, measured);
    measured.report_firehose();
}

void run_two_threads(const arguments& request, measurement& measured) {
    measurement other(request);
    const double used = cpu_seconds();
    std::thread thread([&] { run_client(request, other); });
    run_client(request, measured);
    thread.join();
    std::printf("{\"cpu_ns\": %.1f}\n",
                (cpu_seconds() - used) * 1e9 / static_cast<double>(2 * request.streams * request.amount));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) return 2;
    arguments request;
    request.measurement = argv[1];
    request.way = argv[2];
    request.responses = std::string_view(argv[3]) == "responses";
    request.port = argv[4];
    request.streams = std::strtoull(argv[5], nullptr, 10);
    if (argc > 6) request.amount = std::strtoull(argv[6], nullptr, 10);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    measurement measured(request);
    if (request.way == "bare")
        run_bare(request, measured);
    else if (request.measurement == "threads")
        run_two_threads(request, measured);
    else
        run_corun(request, measured);
}
