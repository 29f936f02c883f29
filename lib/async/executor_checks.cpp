#include "async/executor_checks.hpp"

#include <corun/error.hpp>

#include <asio/execution/context.hpp>
#include <asio/execution/occupancy.hpp>
#include <asio/thread_pool.hpp>

#include <typeinfo>

namespace corun::detail {

void check_executor(const asio::any_io_executor& executor) {
    if (!executor) throw error(errc::invalid_argument, "the executor is empty");
    using pool_executor = asio::thread_pool::executor_type;
    // Older versions of Asio do not check the type that `target` is asked for.
    if (executor.target_type() != typeid(pool_executor)) return;
    const auto* pool = executor.target<pool_executor>();
    if (pool && asio::query(*pool, asio::execution::occupancy) > 1)
        throw error(errc::invalid_argument,
                    "the executor belongs to a thread pool, whose threads would race; use asio::make_strand(pool)");
}

void check_caller(const asio::any_io_executor& own, const asio::any_io_executor& caller) {
    if (&asio::query(own, asio::execution::context) == &asio::query(caller, asio::execution::context)) return;
    throw error(
        errc::invalid_argument,
        "the coroutine runs on a different execution context than its client; spawn it on client.get_executor()");
}

}  // namespace corun::detail
