#pragma once
#include "redact/redact.hpp"
#include "stream/context.hpp"
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace corun::detail {

/// A run whose creation was not answered.
struct lost_creation {
    explicit lost_creation(std::shared_ptr<run_context> context) : run(std::move(context)) {}

    std::shared_ptr<run_context> run;
    std::int64_t sent_at = 0;  ///< By this machine's clock, in seconds since 1970.
    std::string former_run;    ///< The failed run in whose place this one is begun.
    std::string thread;        ///< The one that the run has created, if an event has told it.
};

struct creation_search {
    creation_search() = default;

    bool possible = false;  ///< Where it is not, nothing is known.
    std::optional<thread_run> run;
};

/// Looks for the run in its thread. Where no event has told of the thread that the run creates, only its mark tells.
asio::awaitable<creation_search> find_threads_run(lost_creation lost, redactor secrets);

}  // namespace corun::detail
