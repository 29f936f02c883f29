#pragma once
#include <corun/export.hpp>
#include <corun/json_text.hpp>

#include <cstddef>
#include <string>

namespace corun::emulator {

/// A step of a script: the model's behavior in one turn.
///
/// Adjacent calls of one kind (for `call_tool`: of one type) form a round of parallel calls, unless the run disables
/// them.
///
/// One script serves both protocols. A response ends where a run would require an action, and the request that answers
/// it continues from there: the items after the user's latest message show the position in the script.
///
/// *Errors:* Functions with invalid JSON throw `std::invalid_argument`.
class CORUN_API step {
public:
    enum class kind {
        reply,
        message,
        refusal,
        reasoning,
        activity,
        call_function,
        call_mcp,
        call_tool,
        next_round,
        require_action,
        fail,
        incomplete,
        hold
    };

    /// Replies with a text, one word per delta. `{message}` is replaced by the user's message, `{output}` by the
    /// outputs of the latest calls. A response's message says `phase`, if there is one: `commentary`, `final_answer`.
    static step reply(std::string text, std::string phase = {});
    /// Replies with `count` deltas.
    static step tokens(std::size_t count);
    /// Replies with message content, a JSON array of blocks: texts with annotations, images. `[{"type": "text", "text":
    /// {"value": "...", "annotations": [...]}}]`. Blocks of other types than `text` appear unchanged, in a response
    /// too: `output_text`, `refusal`.
    static step message(json_text content);
    /// Refuses to answer. In a run, this is ordinary text.
    static step refusal(std::string text);
    /// Reasons, and sends this summary, which may be empty. Runs do not send reasoning.
    static step reasoning(std::string summary = {});
    /// Adds a step of type `activities` with this JSON object; in a response, an output item.
    static step activity(json_text object);
    /// Calls a function of the application. `arguments` is JSON; if empty, it is generated from the schema.
    static step call_function(std::string name, json_text arguments = {});
    /// Calls a tool of an MCP server: without a label, of the first server that lists it.
    static step call_mcp(std::string tool, json_text arguments = {}, std::string server_label = {});
    /// Calls a tool that the service itself runs, such as `code_interpreter` or `bing_grounding`.
    ///
    /// `details` is the JSON object in the call's member with the name of its type (for `mcp`: the members of the call
    /// itself). Its members `output` and `outputs` are streamed last. A response contains an item of type `<type>_call`
    /// with these members; those of code interpreter and file search may be in the form of runs. For
    /// `image_generation`, each element of `partial_images` is a separate event.
    static step call_tool(std::string type, json_text details = "{}");
    /// Separates adjacent calls that would otherwise be one round.
    static step next_round();
    /// Requires an action of a custom type, which no submission answers: the run ends when it is cancelled or expires.
    /// `details` is the JSON object in the member with the name of the type. A response contains an item of that type,
    /// and completes.
    static step require_action(std::string type, json_text details = "{}");
    /// Fails the run. For the code `rate_limit_exceeded`, see `rate_limits`.
    static step fail(std::string code, std::string message);
    /// Ends the run as incomplete: `max_completion_tokens` or `max_prompt_tokens`.
    static step incomplete(std::string reason = "max_completion_tokens");
    /// Remains in progress until the run is cancelled or expires.
    static step hold();

    [[nodiscard]] kind type() const noexcept { return kind_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// The label of the MCP server.
    [[nodiscard]] const std::string& label() const noexcept { return label_; }
    /// The number of tokens.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    explicit step(kind type, std::string name = {}, std::string text = {}, std::string label = {},
                  std::size_t count = 0);

    kind kind_;
    std::string name_;  // function, tool, type, error code, phase
    std::string text_;  // reply, arguments, JSON, error message, reason
    std::string label_;
    std::size_t count_;
};

}  // namespace corun::emulator
