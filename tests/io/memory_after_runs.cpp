// A token that a run was begun with is not found in the memory of the process once its objects are gone: what
// a core file would show.
#include "drive.hpp"
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;

/// A token of which the process keeps no copy: only bytes that it is computed from.
class planted_token {
public:
    static constexpr std::size_t size = 40;

    planted_token() {
        std::random_device random;
        for (std::uint8_t& each : masked_) each = static_cast<std::uint8_t>(random() % 26);
    }

    [[nodiscard]] secret value(std::string_view prefix = "") const {
        std::string text;
        text.reserve(prefix.size() + size);
        text = prefix;
        for (std::size_t at = 0; at < size; ++at) text += letter(at);
        return secret(std::move(text));
    }
    [[nodiscard]] bool is_at(const char* bytes) const {
        for (std::size_t at = 0; at < size; ++at)
            if (bytes[at] != letter(at)) return false;
        return true;
    }

private:
    [[nodiscard]] char letter(std::size_t at) const { return static_cast<char>('a' + masked_[at]); }

    std::array<std::uint8_t, size> masked_{};
};

/// How often the token stands in the memory of this process that can be written to.
int count_in_memory(const planted_token& token) {
    std::ifstream maps("/proc/self/maps");
    const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    BOOST_REQUIRE(memory >= 0);
    int count = 0;
    std::vector<char> bytes(std::size_t{1} << 20);
    const auto is_own = [first = reinterpret_cast<std::uintptr_t>(bytes.data()), &bytes](unsigned long long at) {
        return at >= first && at < first + bytes.size();
    };
    for (std::string line; std::getline(maps, line);) {
        unsigned long long begin = 0, end = 0;
        char writable = '-';
        if (std::sscanf(line.c_str(), "%llx-%llx r%c", &begin, &end, &writable) != 3 || writable != 'w') continue;
        // Not the shadow memory of a sanitizer.
        if (end - begin > (1ULL << 32)) continue;
        for (unsigned long long at = begin; at + planted_token::size <= end;) {
            const std::size_t wanted = static_cast<std::size_t>(std::min<unsigned long long>(bytes.size(), end - at));
            const ssize_t got = ::pread(memory, bytes.data(), wanted, static_cast<off_t>(at));
            if (got < static_cast<ssize_t>(planted_token::size)) break;
            for (std::size_t each = 0; each + planted_token::size <= static_cast<std::size_t>(got); ++each)
                if (!is_own(at + each) && token.is_at(bytes.data() + each)) ++count;
            at += static_cast<std::size_t>(got) - (planted_token::size - 1);
        }
    }
    ::close(memory);
    return count;
}

/// The service and an MCP server in a process of their own, whose memory is not looked at.
class other_process {
public:
    other_process(const planted_token& service_token, const planted_token& run_token) {
        std::array<int, 2> ends{};
        BOOST_REQUIRE(::pipe(ends.data()) == 0);
        child_ = ::fork();
        BOOST_REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::close(ends[0]);
            serve(service_token, run_token, ends[1]);
            ::_exit(0);
        }
        ::close(ends[1]);
        std::string words;
        char piece[256];
        for (ssize_t size = 1; size > 0;) {
            size = ::read(ends[0], piece, sizeof piece);
            if (size > 0) words.append(piece, static_cast<std::size_t>(size));
        }
        ::close(ends[0]);
        std::istringstream(words) >> endpoint >> mcp_url >> agent_id;
        BOOST_REQUIRE(!agent_id.empty());
    }
    other_process(const other_process&) = delete;
    other_process& operator=(const other_process&) = delete;
    ~other_process() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    std::string endpoint, mcp_url, agent_id;

private:
    static void serve(const planted_token& token, const planted_token& run_token, int out) {
        asio::io_context io;
        emulator::service_options options;
        options.token = std::string(token.value().reveal());
        emulator::service service(io, std::move(options));
        emulator::mcp_server mcp(io);
        mcp.accept_token(std::string(run_token.value().reveal()));
        mcp.add_tool("echo", "Repeats.", R"({"type":"object"})",
                     [](std::string_view text) { return std::string(text); });
        const std::string arguments = R"({"seat":"14A"})";
        service.script("Let it be called", {step::call_mcp("echo", arguments), step::reply("It is {output}.")});
        service.script("Call it yourself", {step::call_function(mcp::function_name("bookings", "echo"), arguments),
                                            step::reply("It is {output}.")});
        client by(io.get_executor(), service.endpoint(), credential::bearer(token.value()));
        agent_definition definition("gpt-4o");
        definition.tools.push_back(mcp_tool("bookings", mcp.url()));
        const std::string agent = await(io, by.create_agent(definition)).id();
        const std::string words = service.endpoint() + ' ' + mcp.url() + ' ' + agent + '\n';
        if (::write(out, words.data(), words.size()) != static_cast<ssize_t>(words.size())) return;
        ::close(out);
        io.restart();
        io.run();
    }

    pid_t child_ = -1;
};

asio::awaitable<std::string> run(agent desk, std::string message, mcp_headers headers, run_options options) {
    auto stream = co_await desk.run_stream(std::move(message), std::move(headers), std::move(options));
    std::string text;
    while (auto event = co_await stream.next())
        if (const auto* delta = event->get_if<events::text_delta>()) text += delta->text;
    co_return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_after_runs)

BOOST_AUTO_TEST_CASE(what_is_looked_for_is_found) {
    const planted_token token;
    {
        const secret held = token.value();
        BOOST_TEST(count_in_memory(token) == 1);
    }
    BOOST_TEST(count_in_memory(token) == 0);
}

BOOST_AUTO_TEST_CASE(holds_no_token_of_a_run) {
    const planted_token service_token, run_token;
    const other_process other(service_token, run_token);
    for (const protocol spoken : {protocol::threads, protocol::responses}) {
        for (const mcp_caller caller : {mcp_caller::service, mcp_caller::client}) {
            asio::io_context io;
            client_options settings;
            settings.protocol = spoken;
            client client(io.get_executor(), other.endpoint, credential::bearer(service_token.value()), settings);
            prompt_agent_definition definition("gpt-4o");
            definition.tools.emplace_back(prompt_mcp_tool("bookings", other.mcp_url));
            agent desk = spoken == protocol::responses ? client.local_agent(std::move(definition))
                                                       : await(io, client.get_agent(other.agent_id));
            const std::string message = caller == mcp_caller::client ? "Call it yourself" : "Let it be called";
            for (int turn = 0; turn < 3; ++turn) {
                mcp_headers headers;
                headers.set("bookings", "Authorization", run_token.value("Bearer "));
                run_options options;
                options.default_approval = mcp_approval::never();
                options.default_mcp_caller = caller;
                BOOST_TEST(await(io, run(desk, message, std::move(headers), std::move(options))) ==
                           R"(It is {"seat":"14A"}.)");
            }
        }
        BOOST_TEST(count_in_memory(run_token) == 0);
        BOOST_TEST(count_in_memory(service_token) == 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
