#pragma once

#include "markdown/renderer.hpp"
#include "output.hpp"
#include "secret_source.hpp"
#include <corun/event.hpp>

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace corun::cli {

struct settings;

/// Shows the events of a run.
class event_view {
public:
    event_view() = default;
    event_view(const event_view&) = delete;
    event_view& operator=(const event_view&) = delete;
    virtual ~event_view() = default;

    virtual void show(const event& value) = 0;
    /// The run has ended, or the view is interrupted by a question: completes what is shown.
    virtual void complete() {}
};

/// What a user should know about the event besides the text of the answer, in a line; nothing for most events.
struct event_notice {
    std::string text;
    tone style = tone::dim;
};
[[nodiscard]] std::optional<event_notice> notice_of(const event& value, bool verbose);

/// A call as a line: `bookings: reserve_seat({"seat":"14A"})`.
[[nodiscard]] std::string call_line(std::string_view server_label, std::string_view name, std::string_view arguments);

/// The text of the answer to standard output, as received or as Markdown; and notices to standard error. Reasoning is
/// folded to a notice.
class text_view : public event_view {
public:
    text_view(output& out, bool verbose, bool renders);
    void show(const event& value) override;
    void complete() override;

    /// Shows a message of an earlier run.
    void show_message(const thread_message& value);

    /// The reasoning of the last run.
    [[nodiscard]] const std::string& reasoning() const noexcept { return reasoning_; }

private:
    void append(std::string_view text, std::string_view message_id);
    void fold_reasoning();

    output& out_;
    bool verbose_;
    std::optional<markdown::renderer> markdown_;
    std::string message_id_, reasoning_;
    bool is_folded_ = true;
};

/// `{"event": <name>, "data": <data>}`
[[nodiscard]] std::string json_line(std::string_view name, nlohmann::json data);

/// Each event as a line of JSON: `{"event": <name>, "data": <as received>}`. The `used` headers do not appear in it.
class json_view : public event_view {
public:
    json_view(output& out, used_secrets used) : out_(out), used_(std::move(used)) {}
    void show(const event& value) override;

private:
    output& out_;
    used_secrets used_;
};

}  // namespace corun::cli
