// Many streams at once, for a while, over a network that breaks at random: what is lost, what comes twice, what leaks.
//
//     bench-soak [STREAMS [SECONDS [SEED]]]      500 streams for 60 seconds
//
// Prints figures and fails if a token was lost or came twice, a stream hung, a descriptor leaked or memory kept
// growing.
#include "fault_proxy.hpp"
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
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

/// Resident memory in MiB.
double memory() {
    std::ifstream in("/proc/self/statm");
    long total = 0, resident = 0;
    in >> total >> resident;
    return static_cast<double>(resident) * 4096 / (1 << 20);
}

struct soak {
    soak(std::size_t streams, std::chrono::seconds time, std::uint32_t seed)
        : end(steady_clock::now() + time), random(seed), workers(streams) {
        emulator::service_options options;
        options.recorded_requests = 16;
        service.emplace(io, options);
        service->script("", {emulator::step::tokens(40)});
        proxy.emplace(io, service->endpoint());
        client_options settings;
        settings.retry.max_retries = 10;
        settings.retry.first_delay = std::chrono::milliseconds(50);
        settings.idle_timeout = std::chrono::seconds(5);
        settings.reattach.max_reattachments = 100;
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

    asio::awaitable<void> work(agent with) {
        while (steady_clock::now() < end) {
            // One stream in three meets a fault.
            if (random() % 3 == 0) proxy->inject(any_fault());
            std::string text;
            std::error_code code;
            bool done = false;
            std::string why;
            try {
                thread in = co_await client->create_thread();
                event_stream stream = co_await with.run_stream(in, "go");
                while (auto arrived = co_await stream.next(code)) {
                    if (const auto* delta = arrived->get_if<text_delta>()) text += delta->text;
                    if (arrived->get_if<reattached>()) ++reattachments;
                    done = done || arrived->get_if<run_completed>();
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

    asio::awaitable<void> sample() {
        asio::steady_timer timer(io);
        while (workers > 0) {
            timer.expires_after(std::chrono::seconds(5));
            co_await timer.async_wait(asio::use_awaitable);
            std::printf("%6zu runs, %6zu found again, %5zu descriptors, %7.1f MiB\n", runs, reattachments,
                        descriptors(), memory());
            std::fflush(stdout);
            peaks.push_back(memory());
        }
    }

    asio::awaitable<void> prepare(agent& with) {
        with = co_await client->create_agent(agent_definition("gpt-4o"));
        const run_result undisturbed = co_await with.run("go");
        reference = undisturbed.text();
    }

    int run() {
        agent with;
        asio::co_spawn(io, prepare(with), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        while (reference.empty()) io.run_one();
        const std::size_t before = descriptors();
        const std::size_t count = workers;
        for (std::size_t i = 0; i != count; ++i) asio::co_spawn(io, work(with), asio::detached);
        asio::co_spawn(io, sample(), asio::detached);
        while (workers != 0) io.run_one();
        proxy->forgive();
        const std::size_t struck = proxy->struck();
        client.reset();
        with = agent();
        proxy.reset();
        service.reset();
        while (io.run_one_for(std::chrono::seconds(1)) != 0) {
        }
        const std::size_t after = descriptors();
        // The first samples see it grow to what it needs.
        const double middle = peaks.size() > 4 ? peaks[peaks.size() / 2] : 0, last = peaks.empty() ? 0 : peaks.back();
        std::printf("\n%zu streams at once, %zu runs, %zu tokens, %zu faults struck, %zu streams found again\n", count,
                    runs, tokens, struck, reattachments);
        std::printf(
            "failed %zu, wrong texts %zu; descriptors before %zu, after %zu; memory half-way %.1f MiB, at the end %.1f "
            "MiB\n",
            failures, wrong, before, after, middle, last);
        return failures + wrong > 0 || after > before ? 1 : 0;
    }

    asio::io_context io;
    steady_clock::time_point end;
    std::mt19937 random;
    std::size_t workers;
    std::optional<emulator::service> service;
    std::optional<fault_proxy> proxy;
    std::optional<corun::client> client;
    std::string reference;
    std::size_t runs = 0, tokens = 0, reattachments = 0, failures = 0, wrong = 0;
    std::vector<double> peaks;
};

}  // namespace

int main(int argc, char** argv) {
    const std::size_t streams = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 500;
    const std::chrono::seconds time(argc > 2 ? std::atoi(argv[2]) : 60);
    const auto seed = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 1);
    soak whole(streams, time, seed);
    return whole.run();
}
