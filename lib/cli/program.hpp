#pragma once

#include "exit_code.hpp"
#include "interruptible.hpp"
#include "output.hpp"
#include "settings.hpp"
#include <corun/asio.hpp>

#include <asio/io_context.hpp>

namespace corun::cli {

/// What a command works with.
struct program {
    explicit program(const settings& values) : options(values), out(values.output) {}

    const settings& options;
    output out;
    asio::io_context context{1};
};

/// A command whose work is a coroutine, as an entry of the table of commands.
template <asio::awaitable<exit_code> (*Work)(program&)>
exit_code coroutine(program& self) {
    return run_interruptible(self.context, Work(self));
}

}  // namespace corun::cli
