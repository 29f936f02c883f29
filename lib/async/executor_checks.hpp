#pragma once
#include <asio/any_io_executor.hpp>

namespace corun::detail {

/// Throws `errc::invalid_argument` for an executor that is empty, or that is known to run several handlers at once.
void check_executor(const asio::any_io_executor& executor);

/// Throws `errc::invalid_argument` if a coroutine on `caller` uses what runs on `own` in another execution context: it
/// would wait for a context that perhaps nobody runs, or race with it.
void check_caller(const asio::any_io_executor& own, const asio::any_io_executor& caller);

}  // namespace corun::detail
