#pragma once

#include <corun/asio.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <optional>
#include <string>

namespace corun::cli {

/// The keyboard, read line by line without blocking the executor.
class terminal_input {
public:
    /// *Errors:* Throws the system's error if the process has no terminal.
    explicit terminal_input(const asio::any_io_executor& executor);

    /// True if a user can answer: standard input and standard error are a terminal.
    [[nodiscard]] static bool has_user();

    /// Forgets what was typed before a question that it does not answer.
    void forget_typed() noexcept;
    /// The next line, without its end; nothing at the end of the input.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<std::optional<std::string>> read_line();
    /// Asks a question on standard error, and returns the answer; nothing at the end of the input.
    [[nodiscard]] asio::awaitable<std::optional<std::string>> ask(std::string question);
    /// Asks a question on standard error until the answer is `y` or `n`. The end of the input is a no. What was typed
    /// before is no answer.
    [[nodiscard]] asio::awaitable<bool> confirm(std::string question);

private:
    class echo;
    asio::posix::stream_descriptor descriptor_;
    std::string buffer_;
};

}  // namespace corun::cli
