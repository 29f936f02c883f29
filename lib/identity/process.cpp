#include "identity/process.hpp"

#include "async/task.hpp"
#include "platform/close_others.hpp"
#include "text/wipe.hpp"
#include <corun/secret.hpp>

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

extern char** environ;

namespace corun::identity {
namespace {

void check(int code, const char* function) {
    if (code != 0) throw std::system_error(code, std::generic_category(), function);
}

/// Both ends of a pipe, closed on destruction and not inherited by other programs.
class pipe_ends {
public:
    pipe_ends() {
        if (::pipe(ends_.data()) != 0) check(errno, "pipe");
        for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        for (const int end : ends_)
            if (end >= 0) ::close(end);
    }

    [[nodiscard]] int write_end() const noexcept { return ends_[1]; }
    [[nodiscard]] int release_read_end() noexcept { return std::exchange(ends_[0], -1); }

private:
    std::array<int, 2> ends_{-1, -1};
};

struct spawn_actions {
    spawn_actions() { check(::posix_spawn_file_actions_init(&value), "posix_spawn_file_actions_init"); }
    spawn_actions(const spawn_actions&) = delete;
    spawn_actions& operator=(const spawn_actions&) = delete;
    ~spawn_actions() { ::posix_spawn_file_actions_destroy(&value); }

    posix_spawn_file_actions_t value;
};

struct spawn_attributes {
    spawn_attributes() { check(::posix_spawnattr_init(&value), "posix_spawnattr_init"); }
    spawn_attributes(const spawn_attributes&) = delete;
    spawn_attributes& operator=(const spawn_attributes&) = delete;
    ~spawn_attributes() { ::posix_spawnattr_destroy(&value); }

    posix_spawnattr_t value;
};

::pid_t spawn(std::vector<std::string>& command, const pipe_ends& out, const pipe_ends& error) {
    spawn_actions actions;
    check(::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0), "posix_spawn");
    check(::posix_spawn_file_actions_adddup2(&actions.value, out.write_end(), 1), "posix_spawn");
    check(::posix_spawn_file_actions_adddup2(&actions.value, error.write_end(), 2), "posix_spawn");
    check(detail::close_others(actions.value), "posix_spawn");
    spawn_attributes attributes;
    ::sigset_t signals;
    ::sigemptyset(&signals);
    check(::posix_spawnattr_setsigmask(&attributes.value, &signals), "posix_spawn");
    ::sigaddset(&signals, SIGPIPE);
    check(::posix_spawnattr_setsigdefault(&attributes.value, &signals), "posix_spawn");
    check(::posix_spawnattr_setpgroup(&attributes.value, 0), "posix_spawn");
    check(::posix_spawnattr_setflags(&attributes.value,
                                     POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
          "posix_spawn");
    std::vector<char*> arguments;
    for (std::string& each : command) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    ::pid_t child = 0;
    check(::posix_spawnp(&child, arguments.front(), &actions.value, &attributes.value, arguments.data(), environ),
          "posix_spawn");
    return child;
}

struct pipe_output {
    pipe_output() = default;

    std::string text;
    bool truncated = false;
};

using pipe_reader = asio::posix::stream_descriptor;

asio::awaitable<pipe_output> read_all(std::shared_ptr<pipe_reader> pipe, std::size_t max_bytes) {
    pipe_output output;
    // Growing the text by hand leaves no copy of a token behind.
    std::array<char, 4096> piece{};
    while (true) {
        std::error_code code;
        const std::size_t size =
            co_await pipe->async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, code));
        if (output.text.size() + size > max_bytes) {
            output.truncated = true;
            break;
        }
        if (output.text.capacity() < output.text.size() + size) {
            std::string longer;
            longer.reserve(2 * (output.text.size() + size));
            longer = output.text;
            wipe(output.text);
            output.text.swap(longer);
        }
        output.text.append(piece.data(), size);
        if (code) break;
    }
    detail::wipe_memory(piece.data(), piece.size());
    co_return output;
}

/// A program and the pipes that it writes to. Destruction kills it.
class child_process {
public:
    child_process(const asio::any_io_executor& executor, std::vector<std::string> command) {
        pipe_ends to_out, to_error;
        id_ = spawn(command, to_out, to_error);
        out = std::make_shared<pipe_reader>(executor, to_out.release_read_end());
        error = std::make_shared<pipe_reader>(executor, to_error.release_read_end());
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() {
        // The whole group, with the programs that it has started. The id is not reused before waitpid.
        ::kill(-id_, SIGKILL);
        while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
        }
        // This ends the reads.
        std::error_code ignored;
        out->close(ignored);
        error->close(ignored);
    }

    std::shared_ptr<pipe_reader> out, error;

private:
    ::pid_t id_ = 0;
};

}  // namespace

asio::awaitable<process_output> run_process(asio::any_io_executor executor, std::shared_ptr<net::clock> clock,
                                            std::vector<std::string> command, std::chrono::milliseconds timeout,
                                            std::size_t max_bytes) {
    process_output result;
    const net::time_point deadline = clock->now() + timeout;
    const auto child = std::make_unique<child_process>(executor, std::move(command));
    using read_task = detail::task<pipe_output>;
    const auto out = read_task::start(executor, read_all(child->out, max_bytes));
    const auto error = read_task::start(executor, read_all(child->error, max_bytes));
    for (const auto& each : {out, error}) {
        std::chrono::milliseconds limit{0};
        if (timeout.count() > 0) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock->now());
            // 0 would disable the limit.
            limit = std::max(left, std::chrono::milliseconds(1));
        }
        std::optional<pipe_output> output = co_await read_task::outcome_within(each, clock, limit);
        if (!output) {
            result.timed_out = true;
            break;
        }
        (each == out ? result.out : result.error) = std::move(output->text);
        result.truncated = result.truncated || output->truncated;
        if (output->truncated) break;
    }
    co_return result;
}

}  // namespace corun::identity
