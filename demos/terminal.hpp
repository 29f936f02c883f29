#pragma once

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace demo {

/// Standard input, read without blocking the executor.
class terminal : public std::enable_shared_from_this<terminal> {
public:
    explicit terminal(asio::any_io_executor executor)
        : input_(executor, open_input()), turn_(executor, asio::steady_timer::time_point::max()) {}

    /// The next line; nothing at the end of the input.
    static asio::awaitable<std::optional<std::string>> read_line(std::shared_ptr<terminal> self) {
        std::error_code code;
        auto buffer = asio::dynamic_buffer(self->buffer_);
        std::size_t size = co_await asio::async_read_until(self->input_, buffer, '\n',
                                                           asio::redirect_error(asio::use_awaitable, code));
        if (code == asio::error::operation_aborted) throw std::system_error(code);
        std::optional<std::string> line;
        if (code) size = self->buffer_.size();
        if (size == 0) co_return line;
        line = self->buffer_.substr(0, size);
        self->buffer_.erase(0, size);
        while (!line->empty() && (line->back() == '\n' || line->back() == '\r')) line->pop_back();
        co_return line;
    }

    /// Asks a yes-or-no question. Without a terminal, the answer is yes.
    static asio::awaitable<bool> ask(std::shared_ptr<terminal> self, std::string question) {
        const turn mine = co_await take_turn(self);
        std::cout << question << " [y/n] " << std::flush;
        if (!::isatty(STDIN_FILENO)) {
            std::cout << "y (nobody is at the terminal)" << std::endl;
            co_return true;
        }
        for (;;) {
            const std::optional<std::string> answer = co_await read_line(self);
            if (!answer || *answer == "n" || *answer == "no") co_return false;
            if (*answer == "y" || *answer == "yes") co_return true;
            std::cout << "y or n? " << std::flush;
        }
    }

private:
    /// Handlers run concurrently, but the terminal shows one question at a time.
    class turn {
    public:
        explicit turn(std::shared_ptr<terminal> owner) : terminal_(std::move(owner)) { terminal_->asking_ = true; }
        turn(turn&&) noexcept = default;
        ~turn() {
            if (!terminal_) return;
            terminal_->asking_ = false;
            terminal_->turn_.cancel_one();
        }

    private:
        std::shared_ptr<terminal> terminal_;
    };

    static asio::awaitable<turn> take_turn(std::shared_ptr<terminal> self) {
        std::error_code woken;
        while (self->asking_) co_await self->turn_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        co_return turn(self);
    }

    /// Opens the terminal again: non-blocking mode would affect every process that shares the descriptor.
    static int open_input() {
        const int input = ::isatty(STDIN_FILENO) ? ::open("/dev/tty", O_RDONLY | O_CLOEXEC)
                                                 : ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        if (input < 0) throw std::system_error(errno, std::generic_category(), "standard input");
        return input;
    }

    asio::posix::stream_descriptor input_;
    asio::steady_timer turn_;
    std::string buffer_;
    bool asking_ = false;
};

}  // namespace demo
