#pragma once
#include <corun/export.hpp>

#include <cstdint>
#include <optional>
#include <string>

/// Values of `run_options` for the Responses protocol. Empty and absent members mean the service's defaults; the
/// service checks the texts.
namespace corun {

/// How the model reasons.
struct CORUN_API reasoning {
    reasoning() = default;
    explicit reasoning(std::string effort, std::string summary = {});

    std::string effort;   ///< `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    std::string summary;  ///< `auto`, `concise`, `detailed`.
    std::string context;  ///< Which reasoning of earlier turns the model sees: `auto`, `current_turn`, `all_turns`.
    std::string mode;     ///< `standard`, `pro`.
};

/// What the service does when the context grows too long.
struct CORUN_API context_management {
    explicit context_management(std::string type, std::optional<std::int64_t> compact_threshold = std::nullopt);
    /// The service compacts the context if it has more than `threshold` tokens.
    static context_management compaction(std::int64_t threshold);

    std::string type;
    std::optional<std::int64_t> compact_threshold;  ///< In tokens.
};

/// How the service caches the beginning of the prompt.
struct CORUN_API prompt_cache_options {
    prompt_cache_options() = default;

    std::string mode;                    ///< `implicit`, `explicit`.
    std::string ttl;                     ///< `30m`, `12h`.
    std::string comparison_response_id;  ///< Explains why less was cached than for this response.
    std::optional<bool> prewarm;         ///< Whether the service caches the prompt before it is used.
};

/// The moderation of input and output by the service.
struct CORUN_API moderation {
    explicit moderation(std::string model, std::string input_mode = {}, std::string output_mode = {});

    std::string model;
    std::string input_mode, output_mode;  ///< `score` or `block`.
};

}  // namespace corun
