#pragma once
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/handlers.hpp>
#include <corun/json_text.hpp>
#include <corun/run_position.hpp>
#include <corun/run_result.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

/// Support for nlohmann_json. Include this header before the code that passes its values to corun. `nlohmann::json`
/// then converts to `json_text`: the parameters of a function, its output, a schema, `run_options::extra_json`. A
/// function handler can accept its arguments as JSON, and return JSON:
///
///     options.functions.emplace_back("get_weather", "The weather in a city.", schema,
///         [](nlohmann::json arguments) -> nlohmann::json {
///             return {{"celsius", degrees_in(arguments.at("city"))}};
///         });
///
/// A coroutine that returns JSON must be an `asio::awaitable<nlohmann::json>`: in one that returns an
/// `asio::awaitable<std::string>`, `co_return` converts JSON to a string, which throws.
namespace corun {

/// The data of an event as nlohmann JSON; `is_discarded()` if it is not JSON, such as that of a keep-alive.
[[nodiscard]] inline nlohmann::json to_json(const event& value) {
    return nlohmann::json::parse(value.raw(), nullptr, false);
}

/// Parses a JSON text, such as `function_call::arguments`; `is_discarded()` if it is not JSON.
[[nodiscard]] inline nlohmann::json to_json(std::string_view text) {
    return nlohmann::json::parse(text, nullptr, false);
}

/// A type with the member `raw`.
template <class T>
concept has_raw_json = requires(const T& value) {
    std::string_view(value.raw);
};

/// A type with the function `json()`.
template <class T>
concept is_json_value = requires(const T& value) {
    std::string_view(value.json());
};

/// The JSON of an object as received: a run, a step, a tool call, a message, an agent's definition, ... For example
/// `to_json(run)["tools"]`.
template <has_raw_json Resource>
[[nodiscard]] nlohmann::json to_json(const Resource& value) {
    return to_json(std::string_view(value.raw));
}

/// The JSON of a `response_format` or `tool_choice`.
template <is_json_value Value>
[[nodiscard]] nlohmann::json to_json(const Value& value) {
    return to_json(std::string_view(value.json()));
}

/// The name of an enumerator, such as "connect_timeout" or "in_progress".
[[nodiscard]] inline nlohmann::json to_json(errc value) {
    return to_string(value);
}
[[nodiscard]] inline nlohmann::json to_json(run_state state) {
    return to_string(state);
}
[[nodiscard]] inline nlohmann::json to_json(run_outcome outcome) {
    return to_string(outcome);
}

/// `{"run_id": ..., "thread_id": ..., "sequence_number": ..., "token": ...}`; absent members are left out. `token` is
/// there if the position tells what has been received. Throws what `run_position::to_string` throws.
[[nodiscard]] inline nlohmann::json to_json(const run_position& value) {
    nlohmann::json object{{"run_id", value.run_id}};
    if (!value.thread_id.empty()) object["thread_id"] = value.thread_id;
    if (value.sequence_number) object["sequence_number"] = *value.sequence_number;
    if (value.progress) object["token"] = value.to_string();
    return object;
}
/// Reads what `to_json` has written: `object.get<corun::run_position>()`.
inline void from_json(const nlohmann::json& object, run_position& value) {
    if (object.contains("token")) {
        value = run_position::parse(object.at("token").get<std::string>());
        return;
    }
    value = run_position(object.at("run_id"), object.value("thread_id", std::string()));
    if (object.contains("sequence_number")) value.sequence_number = object.at("sequence_number").get<std::int64_t>();
}

/// `{"prompt_tokens": ..., "completion_tokens": ..., "total_tokens": ..., "cached_tokens": ...}`
[[nodiscard]] inline nlohmann::json to_json(const usage& value) {
    return {{"prompt_tokens", value.prompt_tokens},
            {"completion_tokens", value.completion_tokens},
            {"total_tokens", value.total_tokens},
            {"cached_tokens", value.cached_tokens}};
}

/// `code` and `message`.
[[nodiscard]] inline nlohmann::json to_json(const last_error& value) {
    return {{"code", value.code}, {"message", value.message}};
}

/// `code` (the name of an `errc`, or the number of another category), `category`, `message` (`what()`) and the
/// available details. Like `what()`, it contains no secret, but may contain text of users.
[[nodiscard]] inline nlohmann::json to_json(const error& failure) {
    nlohmann::json object = {{"category", failure.code().category().name()}, {"message", failure.what()}};
    if (failure.code().category() == category())
        object["code"] = to_string(static_cast<errc>(failure.code().value()));
    else
        object["code"] = failure.code().value();
    if (failure.status() != 0) object["status"] = failure.status();
    if (!failure.request_id().empty()) object["request_id"] = failure.request_id();
    if (!failure.service_code().empty()) object["service_code"] = failure.service_code();
    if (!failure.service_message().empty()) object["service_message"] = failure.service_message();
    if (failure.retry_after()) object["retry_after_ms"] = failure.retry_after()->count();
    return object;
}

/// The result of a run: ids, `status`, `text`, and, if present, `usage`, `last_error` and `incomplete_reason`.
/// `messages` and `steps` contain the complete messages and steps, as received.
[[nodiscard]] inline nlohmann::json to_json(const run_result& result) {
    nlohmann::json object = {{"run_id", result.run_id},         {"thread_id", result.thread_id},
                             {"agent_id", result.agent_id},     {"status", to_string(result.status)},
                             {"text", result.text()},           {"messages", nlohmann::json::array()},
                             {"steps", nlohmann::json::array()}};
    for (const thread_message& message : result.messages)
        if (!message.raw.empty()) object["messages"].push_back(to_json(message));
    for (const run_step& step : result.steps)
        if (!step.raw.empty()) object["steps"].push_back(to_json(step));
    if (result.usage) object["usage"] = to_json(*result.usage);
    if (result.last_error) object["last_error"] = to_json(*result.last_error);
    if (!result.incomplete_reason.empty()) object["incomplete_reason"] = result.incomplete_reason;
    return object;
}

namespace detail {

template <class Json>
struct nlohmann_text {
    static std::string text_of(const Json& value) {
        try {
            return value.dump();
        } catch (const nlohmann::json::type_error&) {
            throw error(errc::invalid_argument, "a JSON value contains text that is not UTF-8");
        }
    }
};

/// Converts to JSON only, not to types that JSON converts to.
struct only_json {
    template <std::same_as<nlohmann::json> T>
    operator T() const;
};

}  // namespace detail

template <>
struct json_library<nlohmann::json> : detail::nlohmann_text<nlohmann::json> {};
template <>
struct json_library<nlohmann::ordered_json> : detail::nlohmann_text<nlohmann::ordered_json> {};

/// A callable that accepts the arguments of a function call as JSON.
template <class Callable>
concept takes_json_arguments =
    !std::invocable<Callable&, function_call> && std::invocable<Callable&, detail::only_json>;

/// Calls it with the arguments from the model; an empty object if there are none. If they are not JSON, the handler
/// fails, and the model receives the error.
template <takes_json_arguments Callable>
struct handler_call<Callable, function_call> {
    /// The arguments as the callable accepts them.
    using values = std::tuple<nlohmann::json>;
    /// Reads the arguments.
    static values convert(function_call call) {
        if (call.arguments.empty()) return values(nlohmann::json::object());
        nlohmann::json arguments = to_json(std::string_view(call.arguments));
        if (arguments.is_discarded())
            throw error(errc::invalid_argument, "the arguments of " + call.name + " are not JSON");
        return values(std::move(arguments));
    }
    /// Calls the callable once.
    static auto call(Callable& callable, values& arguments) { return callable(std::get<0>(std::move(arguments))); }
};

}  // namespace corun
