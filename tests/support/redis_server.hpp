#pragma once
#include "temporary_directory.hpp"

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::test {

/// A real redis-server on a Unix socket: a process of its own, which ends with this object or with the test, however
/// that ends. Its log survives it.
class redis_server {
public:
    /// `more` are arguments, such as `--appendonly no`, each a word.
    explicit redis_server(std::vector<std::string> more = {}) : more_(std::move(more)) { start(); }
    ~redis_server() { end(SIGKILL); }
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    [[nodiscard]] std::string url() const { return "unix:" + socket_path(); }

    /// Returns when it has gone.
    void end(int signal) {
        if (process_ <= 0) return;
        ::kill(process_, signal);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
        process_ = -1;
    }
    void send(int signal) const { ::kill(process_, signal); }
    /// Returns when it accepts connections.
    void start() {
        const std::string folder = directory_.path("");
        std::vector<std::string> words = {REDIS_PROGRAM,
                                          "--port",
                                          "0",
                                          "--unixsocket",
                                          socket_path(),
                                          "--appendonly",
                                          "yes",
                                          "--save",
                                          "",
                                          "--dir",
                                          folder,
                                          "--logfile",
                                          directory_.path("redis.log")};
        words.insert(words.end(), more_.begin(), more_.end());
        std::vector<char*> arguments;
        for (std::string& each : words) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        const pid_t parent = ::getpid();
        process_ = ::fork();
        if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::close_range(3, ~0U, 0);
            if (::getppid() == parent) ::execv(REDIS_PROGRAM, arguments.data());
            ::_exit(127);
        }
        while (true) {
            const std::string answer = command("PING");
            // One with a password answers, too.
            if (answer == "+PONG" || answer.starts_with("-NOAUTH")) return;
            if (::waitpid(process_, nullptr, WNOHANG) != 0) throw std::runtime_error("redis-server does not start");
            ::sched_yield();
        }
    }

    /// The first line of the reply to a command without spaces in its words; empty if it cannot be asked.
    [[nodiscard]] std::string command(const std::string& words) const {
        asio::io_context io;
        asio::local::stream_protocol::socket socket(io);
        std::error_code failure;
        socket.connect(asio::local::stream_protocol::endpoint(socket_path()), failure);
        if (!failure) asio::write(socket, asio::buffer(words + "\r\n"), failure);
        std::string line;
        if (!failure) asio::read_until(socket, asio::dynamic_buffer(line), "\r\n", failure);
        return failure ? std::string() : line.substr(0, line.find("\r\n"));
    }

    /// So that it loses nothing when it is killed: with a busy disk, it keeps what it has accepted in memory for up to
    /// two seconds.
    void write_before_replies() const {
        if (command("CONFIG SET appendfsync always") != "+OK")
            throw std::runtime_error("redis-server refuses its configuration");
    }

private:
    [[nodiscard]] std::string socket_path() const { return directory_.path("redis.sock"); }

    temporary_directory directory_;
    std::vector<std::string> more_;
    pid_t process_ = -1;
};

}  // namespace corun::test
