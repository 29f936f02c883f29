#pragma once
#include <span>
#include <string>
#include <string_view>

namespace corun::codec::responses {

/// Who carries out what an output item asks for, where the item does not say it itself.
enum class performer {
    service,
    caller,
    caller_unless_followed,  ///< The service, if a message follows: some have tools of their own in this form.
};

/// What is known of a type of output item. The one place for it.
struct item_type {
    std::string_view name;
    performer by = performer::service;
    std::string_view answer = {};  ///< The type of the item that answers it; empty: no item does.
    std::string_view text = {};    ///< The member with the text that comes in pieces too.
};

/// Of a type that is not known, all but the name is as in `item_type{}`.
item_type item_type_of(std::string_view name) noexcept;

/// All types that are known.
std::span<const item_type> known_item_types() noexcept;

/// The model's call of a tool: `function_call`, or a program. Also of a type that is not known.
bool is_call(std::string_view type) noexcept;
/// `function` of `function_call`, as in `tool_call::type`; empty for what is no call.
std::string_view call_type_of(std::string_view type) noexcept;
/// An item of this type answers a call.
bool is_answer(std::string_view type) noexcept;
/// The type of the call that an item of this type answers.
std::string answered_type_of(std::string_view type);
/// The type of the item that answers a call of `type`.
std::string answer_type_of(std::string_view type);
/// The event that brings a piece of its text: `response.function_call_arguments.delta`.
std::string delta_name_of(const item_type& type);

inline constexpr std::string_view oauth_consent_request = "oauth_consent_request";
inline constexpr std::string_view approval_response = "mcp_approval_response";

}  // namespace corun::codec::responses
