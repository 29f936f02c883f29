#pragma once
#include <corun/export.hpp>
#include <corun/json_text.hpp>
#include <corun/message.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>

#include <concepts>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace corun {

/// A question of the service about a `computer_call`, for the user.
struct CORUN_API safety_check {
    explicit safety_check(std::string id, std::string code = {}, std::string message = {});

    std::string id, code, message;
};

/// The safety checks that a `computer_call` waits for; none for any other call.
CORUN_API std::vector<safety_check> pending_safety_checks(const other_call& call);

/// The output of a `computer_call`: what the screen shows now.
class CORUN_API computer_screenshot {
public:
    /// `url` can be a data URL.
    static computer_screenshot url(std::string url);
    /// An uploaded file.
    static computer_screenshot file(std::string file_id);

    std::string image_url, file_id;  ///< One of them.
    /// The safety checks that the user has accepted, of `pending_safety_checks`. Without them, the service refuses the
    /// output.
    std::vector<safety_check> acknowledged_safety_checks;

private:
    computer_screenshot(std::string url, std::string id);
};

/// The output of a `shell_call`: one result for each of its commands.
struct CORUN_API shell_output {
    explicit shell_output(std::vector<command_result> results, std::optional<int> max_output_length = std::nullopt);

    std::vector<command_result> results;   ///< By command.
    std::optional<int> max_output_length;  ///< As received with the call.
};

/// The output of an `apply_patch_call`.
class CORUN_API patch_result {
public:
    /// The patch was applied. `text` is for the model, and can be empty.
    static patch_result completed(std::string text = {});
    /// The patch could not be applied; `text` says why.
    static patch_result failed(std::string text);

    bool has_failed;  ///< Whether the patch could not be applied.
    std::string text;

private:
    patch_result(bool failed, std::string text);
};

/// The output of a call, in the form that its type needs:
///
/// | call | output |
/// |---|---|
/// | function, `custom_tool_call` | a text, JSON or not; or a list of texts, images and files |
/// | `local_shell_call` | a text |
/// | `shell_call` | `shell_output`, or its JSON array |
/// | `apply_patch_call` | `patch_result`, or a text for a patch that was applied |
/// | `computer_call` | `computer_screenshot`, or its JSON object |
/// | `tool_search_call` | the tools found, or their JSON array |
/// | any other | a text; a JSON object or array is sent as such |
///
/// Any other form fails with `errc::invalid_argument` before anything is sent. The threads protocol has texts only.
class CORUN_API call_output {
public:
    /// The forms of an output.
    using value_type = std::variant<std::string, std::vector<content_block>, shell_output, patch_result,
                                    computer_screenshot, std::vector<prompt_tool>>;

    /// An empty text.
    call_output() = default;
    /// A text, JSON or not.
    call_output(json_text text);
    /// The same, of anything that converts to it.
    template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, call_output> && std::convertible_to<T, json_text>)
        call_output(T&& text)
        : call_output(json_text(std::forward<T>(text))) {}
    call_output(std::vector<content_block> content);
    call_output(shell_output output);
    call_output(patch_result result);
    call_output(computer_screenshot screenshot);
    call_output(std::vector<prompt_tool> found);

    [[nodiscard]] const value_type& value() const noexcept;
    /// The text; of other forms, their texts one after the other.
    [[nodiscard]] std::string text() const;
    /// The same as `text()`.
    operator std::string() const { return text(); }

    /// Compares the texts.
    template <plain_text T>
    friend bool operator==(const call_output& a, const T& b) {
        return a.text() == b;
    }

private:
    // A pointer, because a variant here would take the compiler long in each file that includes this header. Null
    // stands for an empty text.
    std::shared_ptr<const value_type> value_;
};

/// Prints the text.
CORUN_API std::ostream& operator<<(std::ostream& out, const call_output& value);

}  // namespace corun
