// Many streams at once, for a while, over a network that breaks at random: what is lost, what comes twice, what leaks.
//
//     bench-soak [STREAMS [SECONDS [SEED]]]      500 streams for 60 seconds
//
// Prints figures and fails if a token was lost or came twice, a stream hung, or a descriptor or memory leaked: what is
// held at rest, when no stream and no spare connection is open, is compared with what was held after a warm-up of a
// quarter of the time. Client, service and proxy share the process, and the figures are of all three. Run it on an idle
// machine: when the process gets no time, answers take longer than a client waits, and those runs fail.
#include "fault_proxy.hpp"
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace {

using namespace corun;
using namespace corun::test;
using std::chrono::steady_clock;

std::size_t descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

constexpr double mebibyte = 1 << 20;

double resident() {
    std::ifstream in("/proc/self/statm");
    long total = 0, pages = 0;
    in >> total >> pages;
    return static_cast<double>(pages) * 4096 / mebibyte;
}

/// What is in use of the heap. Resident memory also has what malloc keeps for later.
double allocated() {
    const auto heap = ::mallinfo2();
    return static_cast<double>(heap.uordblks + heap.hblkhd) / mebibyte;
}

struct soak {
    soak(std::size_t streams, std::chrono::seconds time, std::uint32_t seed)
        : duration(time), random(seed), count(streams) {
        emulator::service_options options;
        options.recorded_requests = 16;
        service.emplace(io, options);
        service->script("", {emulator::step::tokens(40)});
        proxy.emplace(io, service->endpoint());
        proxy->keep_responses(false);
        client_options settings;
        settings.retry.max_retries = 10;
        settings.retry.first_delay = std::chrono::milliseconds(50);
        settings.idle_timeout = std::chrono::seconds(5);
        client.emplace(io.get_executor(), proxy->endpoint(), credential::bearer(service->token()), settings);
    }

    network_fault any_fault() {
        const std::size_t at = random() % 20'000;
        switch (random() % 6) {
            case 0:
                return network_fault::cut().at(at);
            case 1:
                return network_fault::stall().at(at);
            case 2:
                return network_fault::split_randomly(static_cast<std::uint32_t>(random()), 700);
            case 3:
                return network_fault::lose_response().on("GET", "");
            default:
                return network_fault::reset().at(at);
        }
    }

    asio::awaitable<void> work() {
        while (steady_clock::now() < end) {
            // One stream in three meets a fault.
            if (random() % 3 == 0) proxy->inject(any_fault());
            std::string text;
            std::error_code code;
            bool done = false;
            std::string why;
            try {
                agent_thread in = co_await client->create_thread();
                event_stream stream = co_await with.run_stream(in, "go");
                while (auto arrived = co_await stream.next(code)) {
                    if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
                    if (arrived->get_if<events::reattached>()) ++reattachments;
                    done = done || arrived->get_if<events::run_completed>();
                }
                why = code.message();
                co_await client->delete_thread(in.id());
            } catch (const std::exception& failure) {
                why = failure.what();
            }
            ++runs;
            tokens += 40;
            if (!done) {
                ++failures;
                std::printf("a run failed: %s\n", why.c_str());
            } else if (text != reference) {
                ++wrong;
                std::printf("a text is wrong: %zu bytes of %zu\n", text.size(), reference.size());
            }
        }
        --workers;
    }

    void show(const char* when) {
        std::printf("%-12s %7zu runs, %6zu found again, %5zu descriptors, %7.2f MiB allocated, %7.2f MiB resident\n",
                    when, runs, reattachments, descriptors(), allocated(), resident());
        std::fflush(stdout);
    }

    asio::awaitable<void> sample() {
        while (workers > 0) {
            std::error_code ignored;
            tick.expires_after(std::chrono::seconds(5));
            co_await tick.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            if (workers > 0) show("");
        }
    }

    asio::awaitable<void> prepare() {
        with = co_await client->create_agent(agent_definition("gpt-4o"));
        const run_result undisturbed = co_await with.run("go");
        reference = undisturbed.text();
    }

    /// The client keeps connections in proportion to its transfers. Each request lets it close one that is too many.
    asio::awaitable<void> close_connections() {
        for (std::size_t i = 0; i != 2 * count; ++i) co_await client->get_agent(with.id());
    }

    void run_until_done(asio::awaitable<void> what) {
        bool done = false;
        asio::co_spawn(io, std::move(what), [&done](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
            done = true;
        });
        while (!done) io.run_one();
    }

    /// Streams for so long, and comes to rest.
    void stream_for(std::chrono::milliseconds time) {
        end = steady_clock::now() + time;
        workers = count;
        for (std::size_t i = 0; i != count; ++i) asio::co_spawn(io, work(), asio::detached);
        asio::co_spawn(io, sample(), asio::detached);
        while (workers != 0) io.run_one();
        tick.cancel();
        proxy->forgive();
        run_until_done(close_connections());
        while (io.poll() != 0) {
        }
    }

    int run() {
        run_until_done(prepare());
        const std::chrono::milliseconds warm_up = duration / 4;
        stream_for(warm_up);
        show("at rest");
        const double allocated_before = allocated();
        const std::size_t descriptors_before = descriptors();
        const std::size_t runs_before = runs;
        stream_for(duration - warm_up);
        show("at rest");
        const double grown = allocated() - allocated_before;
        const std::size_t descriptors_after = descriptors();
        const std::size_t struck = proxy->struck();
        client.reset();
        with = agent();
        proxy.reset();
        service.reset();
        while (io.run_one_for(std::chrono::seconds(1)) != 0) {
        }
        show("closed");
        std::printf("\n%zu streams at once, %zu runs, %zu tokens, %zu faults struck, %zu streams found again\n", count,
                    runs, tokens, struck, reattachments);
        std::printf("failed %zu, wrong texts %zu; at rest, %zu runs after the warm-up: descriptors %+td, %+.2f MiB\n",
                    failures, wrong, runs - runs_before,
                    static_cast<std::ptrdiff_t>(descriptors_after) - static_cast<std::ptrdiff_t>(descriptors_before),
                    grown);
        return failures + wrong > 0 || descriptors_after > descriptors_before || grown > most_grown ? 1 : 0;
    }

    /// What chance makes of pools and tables, in MiB. A leak of 30 bytes a run is more, in a minute.
    static constexpr double most_grown = 1;

    asio::io_context io;
    asio::steady_timer tick{io};
    std::chrono::milliseconds duration;
    steady_clock::time_point end;
    std::mt19937 random;
    std::size_t count, workers = 0;
    std::optional<emulator::service> service;
    std::optional<fault_proxy> proxy;
    std::optional<corun::client> client;
    agent with;
    std::string reference;
    std::size_t runs = 0, tokens = 0, reattachments = 0, failures = 0, wrong = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const std::size_t streams = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 500;
    const std::chrono::seconds time(argc > 2 ? std::atoi(argv[2]) : 60);
    const auto seed = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 1);
    soak whole(streams, time, seed);
    return whole.run();
}
