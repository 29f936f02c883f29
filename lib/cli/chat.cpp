#include "chat.hpp"

#include "help.hpp"
#include "line_reader.hpp"
#include "printable.hpp"
#include "run_command.hpp"
#include "terminal_encoding.hpp"
#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::cli {
namespace {

/// While it lives, the terminal does not show what is typed: it would stand in the middle of an answer.
class hidden_typing {
public:
    hidden_typing() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_terminal_) return;
        termios changed = before_;
        changed.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &changed);
    }
    hidden_typing(const hidden_typing&) = delete;
    hidden_typing& operator=(const hidden_typing&) = delete;
    ~hidden_typing() {
        if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }

private:
    termios before_{};
    bool is_terminal_;
};

/// The file of earlier messages: `corun/history` in XDG_STATE_HOME, or in ~/.local/state. Empty if there is no home.
std::string history_file() {
    const auto variable = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    std::string folder = variable("XDG_STATE_HOME");
    if (folder.empty() && variable("HOME").empty()) return {};
    folder = (folder.empty() ? variable("HOME") + "/.local/state" : folder) + "/corun";
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    return failure ? "" : folder + "/history";
}

class conversation {
public:
    explicit conversation(program& self) : self_(self), json_(self.options.output.json) {}

    exit_code run();

private:
    /// A command that begins with a slash: a row of the table below.
    struct slash_command {
        const char* name;
        const char* arguments;
        const char* help;
        void (conversation::*run)(const std::string& argument);
    };
    static const std::vector<slash_command>& slash_commands();

    void obey(const std::string& line);
    void help(const std::string&);
    void quit(const std::string&) { is_over_ = true; }
    void begin_anew(const std::string&);
    void resume(const std::string& id) { attempt(resume_thread(id)); }
    void show_thread(const std::string&);
    void show_reasoning(const std::string&);
    void toggle_json(const std::string&);

    /// Runs a coroutine, and reports its failure.
    void attempt(asio::awaitable<exit_code> work);
    asio::awaitable<exit_code> open();
    asio::awaitable<exit_code> ask(std::string text);
    asio::awaitable<exit_code> resume_thread(std::string id);
    asio::awaitable<event_stream> start(std::string text, run_options options, used_secrets used);

    program& self_;
    std::optional<client> service_;
    agent agent_;
    agent_thread thread_;
    std::string previous_response_, reasoning_;
    exit_code last_ = exit_code::completed;
    bool json_, is_over_ = false;
};

const std::vector<conversation::slash_command>& conversation::slash_commands() {
    static const std::vector<slash_command> table{
        {"/help", "", "list the commands", &conversation::help},
        {"/new", "", "begin a new conversation", &conversation::begin_anew},
        {"/resume", " ID", "continue an earlier thread, or response", &conversation::resume},
        {"/thread", "", "print the id with which to resume this conversation", &conversation::show_thread},
        {"/reasoning", "", "print the reasoning of the last answer", &conversation::show_reasoning},
        {"/json", "", "print the events of the next answers as lines of JSON, or no longer",
         &conversation::toggle_json},
        {"/quit", "", "leave; so does Ctrl-D", &conversation::quit},
    };
    return table;
}

void conversation::obey(const std::string& line) {
    const auto space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    for (const slash_command& each : slash_commands())
        if (name == each.name) return (this->*each.run)(argument);
    self_.out.failure("there is no command " + name + "; /help lists them");
}

void conversation::help(const std::string&) {
    for (const slash_command& each : slash_commands()) {
        std::string usage = std::string(each.name) + each.arguments;
        usage.resize(14, ' ');
        self_.out.line(usage + each.help);
    }
    self_.out.line(
        "A line that ends in \\ goes on; lines between two \"\"\" are one message. Ctrl-C stops the answer.");
}

void conversation::begin_anew(const std::string&) {
    thread_ = {};
    previous_response_.clear();
}

void conversation::show_thread(const std::string&) {
    const std::string& id = thread_ ? thread_.id() : previous_response_;
    self_.out.line(id.empty() ? "the conversation has not begun" : id);
}

void conversation::show_reasoning(const std::string&) {
    self_.out.line(reasoning_.empty() ? "there is none" : reasoning_);
}

void conversation::toggle_json(const std::string&) {
    json_ = !json_;
}

void conversation::attempt(asio::awaitable<exit_code> work) {
    const hidden_typing guard;
    try {
        last_ = run_interruptible(self_.context, std::move(work));
    } catch (const std::ios_base::failure&) {
        throw;  // Nobody reads the output any more.
    } catch (const left_by_user&) {
        throw;
    } catch (const std::exception& failure) {
        report_failure(self_, failure);
        last_ = exit_code_of(failure);
    }
}

asio::awaitable<exit_code> conversation::open() {
    agent_ = co_await find_agent(*service_, self_.options.connection);
    previous_response_ = self_.options.run.previous_response;
    co_return exit_code::completed;
}

/// Continues the thread, or the response, or begins a thread. Responses refer to each other, so that servers without
/// conversations have conversations too.
asio::awaitable<event_stream> conversation::start(std::string text, run_options options, used_secrets used) {
    run_options values = std::move(options);
    mcp_header_source headers = make_mcp_headers(self_.options.connection, std::move(used));
    if (thread_) co_return co_await agent_.run_stream(thread_, std::move(text), std::move(headers), std::move(values));
    values.previous_response_id = previous_response_;
    co_return co_await agent_.run_stream(std::move(text), std::move(headers), std::move(values));
}

asio::awaitable<exit_code> conversation::ask(std::string text) {
    const auto executor = self_.context.get_executor();
    run_options options = make_run_options(self_.options);
    const auto used = std::make_shared<std::vector<secret>>();
    const bool renders = self_.out.is_terminal() && !self_.options.run.plain;
    text_view text_shown(self_.out, self_.options.output.verbose, renders);
    json_view json_shown(self_.out, used);
    event_view& view = json_ ? static_cast<event_view&>(json_shown) : text_shown;
    const std::shared_ptr<questions> user = questions::make(executor, options);
    self_.out.status("waiting ...");
    event_stream stream = co_await start(std::move(text), std::move(options), used);
    const exit_code result = co_await show_run(stream, view, self_.out, user.get());
    reasoning_ = text_shown.reasoning();
    if (protocol_of(self_.options.connection) == protocol::threads) {
        if (!thread_ && !stream.thread_id().empty()) thread_ = co_await service_->get_thread(stream.thread_id());
    } else if (result == exit_code::completed && !thread_) {
        previous_response_ = stream.run_id();
    }
    co_return result;
}

asio::awaitable<exit_code> conversation::resume_thread(std::string id) {
    const std::string wanted = id;
    if (wanted.empty()) throw usage_error("/resume needs the id of a thread, or of a response");
    if (protocol_of(self_.options.connection) == protocol::responses && wanted.starts_with("resp")) {
        const thread_run found = co_await service_->get_run(run_position(wanted));
        thread_ = {};
        previous_response_ = found.id;
        co_return exit_code::completed;
    }
    agent_thread found = co_await service_->get_thread(wanted);
    list_options order;
    order.oldest_first = true;
    paged<thread_message> messages = found.list_messages(std::move(order));
    text_view view(self_.out, false, self_.out.is_terminal() && !self_.options.run.plain);
    while (const std::optional<thread_message> each = co_await messages.next()) view.show_message(*each);
    thread_ = found;
    co_return exit_code::completed;
}

exit_code conversation::run() {
    service_.emplace(make_client(self_.context.get_executor(), self_.options.connection));
    const exit_code opened = run_interruptible(self_.context, open());
    if (opened != exit_code::completed) return opened;
    if (!self_.options.run.thread.empty()) resume(self_.options.run.thread);
    const bool has_user = ::isatty(STDIN_FILENO) == 1;
    const std::unique_ptr<line_reader> reader = make_line_reader(has_user ? history_file() : "");
    if (has_user) self_.out.notice("/help lists the commands; Ctrl-D leaves");
    std::string text = self_.options.run.question;
    bool was_interrupted = false;
    while (!is_over_) {
        if (!text.empty() && text[0] == '/')
            obey(text);
        else if (text.find_first_not_of(" \t\n") != std::string::npos)
            attempt(ask(text));
        if (is_over_) break;
        const line_reader::result next = read_message(*reader);
        if (next.how == line_reader::outcome::ended) break;
        const bool is_interrupted = next.how == line_reader::outcome::interrupted;
        if (is_interrupted && std::exchange(was_interrupted, true)) break;
        if (is_interrupted) self_.out.notice("Ctrl-C again leaves");
        if (!is_interrupted) was_interrupted = false;
        text = next.text;
    }
    return has_user ? exit_code::completed : last_;
}

}  // namespace

exit_code chat(program& self) {
    return conversation(self).run();
}

}  // namespace corun::cli
