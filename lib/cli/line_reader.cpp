#include "line_reader.hpp"

#include "interrupt_flag.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>

#ifdef CORUN_CLI_LIBEDIT
#include <histedit.h>
#include <sys/stat.h>
#endif

namespace corun::cli {
namespace {

bool input_is_pending() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0 && (input.revents & POLLIN) != 0;
}

/// Reads from a pipe, or a terminal that cannot move its cursor.
class plain_reader : public line_reader {
public:
    result read(const std::string& prompt) override {
        const interrupt_flag guard;
        if (::isatty(STDIN_FILENO) == 1) std::cout << prompt << std::flush;
        std::string text;
        for (char c = 0;;) {
            const ssize_t size = ::read(STDIN_FILENO, &c, 1);
            if (size < 0 && interrupt_flag::is_set()) return {outcome::interrupted, ""};
            if (size <= 0) return {text.empty() ? outcome::ended : outcome::line, text};
            if (c == '\n') return {outcome::line, text};
            text += c;
        }
    }
    void remember(const std::string&) override {}
    [[nodiscard]] bool has_more() const override { return ::isatty(STDIN_FILENO) == 1 && input_is_pending(); }
};

#ifdef CORUN_CLI_LIBEDIT
class editor : public line_reader {
public:
    explicit editor(std::string history_file)
        : history_file_(std::move(history_file)),
          history_(::history_init()),
          edit_(::el_init("corun", stdin, stdout, stderr)) {
        HistEvent event;
        ::history(history_, &event, H_SETSIZE, 1000);
        ::history(history_, &event, H_SETUNIQUE, 1);
        ::history(history_, &event, H_LOAD, history_file_.c_str());
        ::el_set(edit_, EL_CLIENTDATA, this);
        ::el_set(edit_, EL_PROMPT, prompt_of);
        ::el_set(edit_, EL_EDITOR, "emacs");
        ::el_set(edit_, EL_SIGNAL, 0);
        ::el_set(edit_, EL_HIST, ::history, history_);
        ::el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
        ::el_source(edit_, nullptr);
    }
    ~editor() override {
        ::el_end(edit_);
        ::history_end(history_);
    }

    result read(const std::string& prompt) override {
        const interrupt_flag guard;
        prompt_ = prompt;
        ::el_resize(edit_);
        int size = 0;
        const char* const line = ::el_gets(edit_, &size);
        if (line == nullptr || size <= 0) {
            std::cout << std::endl;
            return {interrupt_flag::is_set() ? outcome::interrupted : outcome::ended, ""};
        }
        std::string text(line, static_cast<std::size_t>(size));
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
        return {outcome::line, text};
    }

    void remember(const std::string& text) override {
        HistEvent event;
        ::history(history_, &event, H_ENTER, text.c_str());
        if (history_file_.empty()) return;
        const mode_t before = ::umask(0077);  // Nobody else reads it.
        ::history(history_, &event, H_SAVE, history_file_.c_str());
        ::umask(before);
    }

    [[nodiscard]] bool has_more() const override { return input_is_pending(); }

private:
    static char* prompt_of(EditLine* edit) {
        editor* self = nullptr;
        ::el_get(edit, EL_CLIENTDATA, &self);
        return self->prompt_.data();
    }

    std::string history_file_, prompt_;
    History* history_;
    EditLine* edit_;
};
#endif

}  // namespace

std::unique_ptr<line_reader> make_line_reader([[maybe_unused]] const std::string& history_file) {
#ifdef CORUN_CLI_LIBEDIT
    const char* const terminal = std::getenv("TERM");
    const bool can_edit = terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
    if (can_edit && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1)
        return std::make_unique<editor>(history_file);
#endif
    return std::make_unique<plain_reader>();
}

line_reader::result read_message(line_reader& reader) {
    static constexpr std::string_view quotes = "\"\"\"";
    line_reader::result message = reader.read("> ");
    if (message.how != line_reader::outcome::line) return message;
    const bool is_quoted = message.text == quotes;
    if (is_quoted) message.text.clear();
    for (;;) {
        const bool goes_on = !is_quoted && message.text.ends_with('\\');
        if (goes_on) message.text.pop_back();
        const bool is_command = message.text.starts_with('/');
        if (!is_quoted && !goes_on && (is_command || !reader.has_more())) break;
        line_reader::result next = reader.read(". ");
        if (next.how == line_reader::outcome::interrupted) return next;
        if (next.how == line_reader::outcome::ended || (is_quoted && next.text == quotes)) break;
        message.text += (message.text.empty() ? "" : "\n") + next.text;
    }
    if (!message.text.empty()) reader.remember(message.text);
    return message;
}

}  // namespace corun::cli
