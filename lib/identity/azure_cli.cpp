#include "async/cancellation.hpp"
#include "identity/process.hpp"
#include "identity/resource.hpp"
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::identity {
namespace {

constexpr std::size_t max_output_bytes = std::size_t{1} << 20;

/// Letters, digits, and the characters of GUIDs, domains, URLs and names of subscriptions: nothing that is an option.
bool is_plain(std::string_view text) noexcept {
    const auto plain = [](char c) {
        return ascii::is_alphanumeric(c) || std::string_view("-._:/ ").find(c) != std::string_view::npos;
    };
    return !text.starts_with('-') && std::all_of(text.begin(), text.end(), plain);
}

unavailable failure(std::string_view reason) {
    return unavailable("Azure CLI: " + std::string(reason));
}

std::vector<std::string> command_for(const identity_options& options) {
    const std::string resource = resource_of(options.scope);
    for (const std::string* argument : {&resource, &options.tenant_id, &options.subscription})
        if (!is_plain(*argument)) throw failure(detail::quote(*argument) + " contains invalid characters");
    std::vector<std::string> command{options.azure_cli, "account", "get-access-token", "--output", "json",
                                     "--resource",      resource};
    if (!options.tenant_id.empty()) command.insert(command.end(), {"--tenant", options.tenant_id});
    if (!options.subscription.empty()) command.insert(command.end(), {"--subscription", options.subscription});
    return command;
}

/// What the program wrote to its standard output. Throws `unavailable`.
secret checked_output(process_output output, const identity_options& options) {
    const std::string program = detail::quote(options.azure_cli);
    if (output.timed_out)
        throw failure(program + " took longer than " + std::to_string(options.timeout.count()) + " ms");
    if (output.truncated) throw failure(program + " produced too much output");
    secret text(std::move(output.out));
    if (!text.empty()) return text;
    const std::string line = first_line(output.error);
    throw failure(line.empty() ? program + " produced no output" : line);
}

access_token token_in(const source_context& context, const secret& output) {
    try {
        return token_of(context, "Azure CLI: " + detail::quote(context.options.azure_cli), output.reveal());
    } catch (const error& failure) {
        throw unavailable(failure.details().message);
    }
}

asio::awaitable<access_token> fetch_from_cli(shared_context context) {
    const identity_options& options = context->options;
    std::vector<std::string> command = command_for(options);
    process_output output;
    std::error_code problem;
    try {
        output = co_await run_process(context->executor, context->clock, std::move(command), options.timeout,
                                      max_output_bytes);
    } catch (const std::system_error& thrown) {
        problem = thrown.code();
    }
    co_await detail::throw_if_cancelled();
    const std::string program = detail::quote(options.azure_cli);
    if (problem == std::errc::no_such_file_or_directory) throw failure(program + " is not installed");
    if (problem) throw failure(program + " cannot be run: " + problem.message());
    const secret text = checked_output(std::move(output), options);
    co_return token_in(*context, text);
}

}  // namespace

fetch azure_cli(shared_context context) {
    return [context = std::move(context)] { return fetch_from_cli(context); };
}

}  // namespace corun::identity
