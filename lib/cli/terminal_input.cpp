#include "terminal_input.hpp"

#include "printable.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <system_error>

namespace corun::cli {
namespace {

/// Opens the terminal again: its non-blocking mode would affect every process that shares standard input.
int open_terminal() {
    const int descriptor = ::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "/dev/tty");
    return descriptor;
}

}  // namespace

terminal_input::terminal_input(const asio::any_io_executor& executor) : descriptor_(executor, open_terminal()) {}

bool terminal_input::has_user() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

void terminal_input::forget_typed() noexcept {
    ::tcflush(descriptor_.native_handle(), TCIFLUSH);
    buffer_.clear();
}

asio::awaitable<std::optional<std::string>> terminal_input::read_line() {
    std::error_code code;
    auto buffer = asio::dynamic_buffer(buffer_);
    std::size_t size =
        co_await asio::async_read_until(descriptor_, buffer, '\n', asio::redirect_error(asio::use_awaitable, code));
    if (code == asio::error::operation_aborted) {
        std::cerr << std::endl;  // Ends the line of the question.
        throw std::system_error(code);
    }
    std::optional<std::string> line;
    if (code) size = buffer_.size();
    if (size == 0) co_return line;
    line = buffer_.substr(0, size);
    buffer_.erase(0, size);
    while (!line->empty() && (line->back() == '\n' || line->back() == '\r')) line->pop_back();
    co_return line;
}

/// While it lives, the terminal shows what is typed.
class terminal_input::echo {
public:
    explicit echo(int descriptor) : descriptor_(descriptor) {
        ::tcgetattr(descriptor_, &before_);
        termios changed = before_;
        changed.c_lflag |= static_cast<tcflag_t>(ECHO);
        ::tcsetattr(descriptor_, TCSADRAIN, &changed);
    }
    echo(const echo&) = delete;
    echo& operator=(const echo&) = delete;
    ~echo() { ::tcsetattr(descriptor_, TCSADRAIN, &before_); }

private:
    int descriptor_;
    termios before_{};
};

asio::awaitable<std::optional<std::string>> terminal_input::ask(std::string question) {
    const echo guard(descriptor_.native_handle());
    forget_typed();
    std::cerr << printable(question) << std::flush;
    std::optional<std::string> answer = co_await read_line();
    co_return answer;
}

asio::awaitable<bool> terminal_input::confirm(std::string question) {
    std::string prompt = question + " [y/n] ";
    for (;;) {
        const std::optional<std::string> answer = co_await ask(std::move(prompt));
        if (!answer || *answer == "n" || *answer == "no") co_return false;
        if (*answer == "y" || *answer == "yes") co_return true;
        prompt = "y or n? ";
    }
}

}  // namespace corun::cli
