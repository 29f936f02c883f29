// Reads many event streams whose events have the time at which they were sent, as viewers do: one thread, epoll,
// sockets.
//
//     viewers WAY PORT RUNS VIEWERS SECONDS [PID...]
//
// WAY `streams`: RUNS x VIEWERS streams of a load server, directly or through a proxy. WAY `gateway`: starts RUNS runs
// at a gateway, and opens VIEWERS plain event streams of each. Prints the latency of the events that came within
// SECONDS, and what the processes PID, which stand between, used for them.
#include "now.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using corun::bench::now_ns;

/// The processes between the server and the viewers.
class processes {
public:
    explicit processes(std::vector<std::string> ids) : ids_(std::move(ids)) {}

    [[nodiscard]] double cpu_seconds() const {
        double ticks = 0;
        for (const std::string& id : ids_) {
            std::ifstream file("/proc/" + id + "/stat");
            const std::string text(std::istreambuf_iterator<char>(file), {});
            // The name of the program, in parentheses, may have spaces. `utime` is the 12th field behind it.
            const std::size_t name = text.rfind(')');
            if (name == text.npos) std::exit(4);
            const char* at = text.c_str() + name + 1;
            for (int field = 0; field != 12; ++field) at = std::char_traits<char>::find(at + 1, text.size(), ' ');
            char* next = nullptr;
            ticks += static_cast<double>(std::strtoull(at, &next, 10));
            ticks += static_cast<double>(std::strtoull(next, nullptr, 10));
        }
        return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    [[nodiscard]] double resident_kb() const {
        std::size_t pages = 0;
        for (const std::string& id : ids_) {
            std::size_t all = 0, resident = 0;
            std::ifstream("/proc/" + id + "/statm") >> all >> resident;
            pages += resident;
        }
        return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1000;
    }

private:
    std::vector<std::string> ids_;
};

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("connect");
        std::exit(3);
    }
    return fd;
}

int ask(std::uint16_t port, const std::string& method_and_path, const std::string& fields, const std::string& body) {
    const int fd = connect_to(port);
    std::string request = method_and_path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields;
    if (!body.empty())
        request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n" + body;
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) std::exit(3);
    return fd;
}

class viewers {
public:
    viewers(std::uint16_t port, std::vector<std::string> between) : port_(port), between_(std::move(between)) {}

    void open_streams(std::size_t count) {
        for (std::size_t i = 0; i != count; ++i) add(ask(port_, "POST /threads/thread_1/runs", {}, "{}"));
    }
    void open_runs(std::size_t runs, std::size_t viewers_of_each) {
        for (std::size_t i = 0; i != runs; ++i) {
            // A user for each run, who is named by the header field of a proxy.
            const std::string user = "X-User: user" + std::to_string(i) + "\r\n";
            const std::string id = start_run(user);
            for (std::size_t k = 0; k != viewers_of_each; ++k) add(ask(port_, "GET /runs/" + id + "/events", user, {}));
        }
    }
    void read_until(std::uint64_t end) {
        while (now_ns() < end) read(10);
    }
    void measure(std::uint64_t seconds) {
        latencies_.clear();
        const double used = between_.cpu_seconds();
        const std::uint64_t begun = now_ns();
        read_until(begun + seconds * 1'000'000'000);
        const double cpu = between_.cpu_seconds() - used, took = static_cast<double>(now_ns() - begun) / 1e9;
        if (latencies_.empty()) std::exit(3);
        std::sort(latencies_.begin(), latencies_.end());
        const auto quantile = [this](double part) {
            return static_cast<double>(latencies_[static_cast<std::size_t>(part * double(latencies_.size() - 1))]) /
                   1e3;
        };
        const double events = static_cast<double>(latencies_.size());
        std::printf("{\"events\": %.1f, \"cpu\": %.4f, \"cpu_us\": %.3f, \"kb_per_viewer\": %.2f, \"p50_us\": %.1f, ",
                    events / took, cpu / took, cpu * 1e6 / events,
                    (between_.resident_kb() - resident_before_) / static_cast<double>(rests_.size()), quantile(0.5));
        std::printf("\"p99_us\": %.1f}\n", quantile(0.99));
    }

private:
    void read(int timeout_ms) {
        epoll_event ready[256];
        const int count = ::epoll_wait(set_, ready, 256, timeout_ms);
        for (int i = 0; i < count; ++i) receive(ready[i].data.fd);
    }

    std::string start_run(const std::string& user) const {
        const int fd = ask(port_, "POST /runs", user + "Connection: close\r\n", R"({"input": "go"})");
        std::string response;
        char bytes[4096];
        for (ssize_t size = 0; (size = ::recv(fd, bytes, sizeof bytes, 0)) > 0;)
            response.append(bytes, static_cast<std::size_t>(size));
        ::close(fd);
        const std::size_t begin = response.find("\"run_");
        if (begin == response.npos) {
            std::fprintf(stderr, "%s\n", response.c_str());
            std::exit(3);
        }
        return response.substr(begin + 1, response.find('"', begin + 1) - begin - 1);
    }

    void add(int fd) {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.fd = fd;
        ::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &wanted);
        rests_[fd];
        // Reads meanwhile, so that the streams that are open need not wait.
        read(0);
    }

    void receive(int fd) {
        char bytes[65536];
        const ssize_t size = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size <= 0) {
            std::fprintf(stderr, "a stream has ended\n");
            std::exit(3);
        }
        const std::uint64_t now = now_ns();
        std::string& rest = rests_[fd];
        std::string_view text(bytes, static_cast<std::size_t>(size));
        if (!rest.empty()) text = rest.append(text);
        // The lines that are complete. The framing of chunks is lines, too, and none of it matters.
        const std::size_t end = text.rfind('\n') + 1;
        take(text.substr(0, end), now);
        std::string(text.substr(end)).swap(rest);
    }

    void take(std::string_view lines, std::uint64_t now) {
        // Of the threads protocol, or of a gateway's event.
        for (const std::string_view key : {std::string_view("\"value\":\""), std::string_view("\"text\":\"")}) {
            std::size_t at = 0;
            while ((at = lines.find(key, at)) != lines.npos) {
                at += key.size();
                // All texts of a gateway that arrive together are one: then each of them counts.
                for (const char* const last = lines.data() + lines.size(); lines[at] != '"';) {
                    std::uint64_t sent = 0;
                    const auto number = std::from_chars(lines.data() + at, last, sent);
                    if (number.ptr == lines.data() + at) break;
                    latencies_.push_back(now - std::min(now, sent));
                    at = static_cast<std::size_t>(number.ptr - lines.data()) + (*number.ptr == ' ' ? 1 : 0);
                }
            }
        }
    }

    std::uint16_t port_;
    processes between_;
    double resident_before_ = between_.resident_kb();
    int set_ = ::epoll_create1(0);
    std::unordered_map<int, std::string> rests_;  ///< For each connection, the beginning of an event.
    std::vector<std::uint64_t> latencies_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) return 2;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const auto number = [argv](int at) { return std::strtoull(argv[at], nullptr, 10); };
    viewers all(static_cast<std::uint16_t>(number(2)), {argv + 6, argv + argc});
    if (std::string_view(argv[1]) == "gateway")
        all.open_runs(number(3), number(4));
    else
        all.open_streams(number(3) * number(4));
    all.read_until(now_ns() + 2'000'000'000);
    all.measure(number(5));
}
