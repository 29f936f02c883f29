#include "stream/client_calls.hpp"

#include "async/attempt.hpp"
#include "protocol/common.hpp"
#include "protocol/synthetic_events.hpp"
#include "stream/handler_calls.hpp"
#include "text/ascii.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace corun::detail {
namespace {

/// What the model is told of a failure: nothing of the server's address, its headers, or what it answered.
std::string reason_for_model(const error& failure) {
    const std::error_code& code = failure.code();
    if (code == errc::unauthorized || code == errc::forbidden) return "The MCP server rejected the credentials.";
    if (code == errc::invalid_argument) return failure.details().message;
    if (code == errc::connect_failed || code == errc::connect_timeout || code == errc::tls_failed)
        return "The MCP server cannot be reached. The tool was not called.";
    if (code == errc::rate_limited) return "The MCP server is overloaded. The tool was not called.";
    if (is_timeout(code)) return "The call timed out. The tool may have been called.";
    if (code == errc::connection_lost) return "The answer was lost. The tool may have been called.";
    return "The MCP server failed.";
}

/// At most so many bytes, with a note of what is missing.
std::string shortened(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    const std::size_t whole = text.size();
    text.resize(utf8::prefix(text, most).size());
    return text + "\n[" + std::to_string(whole - text.size()) + " more bytes]";
}

/// A place among the calls of a server that are made at once.
class place {
public:
    explicit place(std::shared_ptr<client_server> server) : server_(std::move(server)) { ++server_->calls; }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() {
        --server_->calls;
        server_->call_ended.notify();
    }

private:
    std::shared_ptr<client_server> server_;
};

bool is_refusal(const error& failure) noexcept {
    return failure.code() == errc::unauthorized || failure.code() == errc::forbidden;
}

/// Calls the tool, and once more with other headers if the server rejects the first.
asio::awaitable<mcp::tool_result> call_with_headers(std::shared_ptr<stream_state> stream,
                                                    std::shared_ptr<client_server> server, std::string tool,
                                                    std::string arguments) {
    const int most = stream->run->options->max_mcp_calls;
    while (server->calls >= most) {
        co_await server->call_ended.wait();
        co_await throw_if_cancelled();
    }
    const place taken(server);
    for (bool again = static_cast<bool>(stream->run->provider);; again = false) {
        const int given = server->times_given;
        auto called = co_await attempt(server->session.call_tool(tool, arguments, server->fields));
        std::optional<error> failure;
        try {
            co_return called.take();
        } catch (const error& problem) {
            failure = problem;
        }
        if (!again || !is_refusal(*failure)) throw *failure;
        // Another call of the round may have asked already.
        if (server->times_given != given) continue;
        if (std::exchange(server->token_rejected, true)) throw *failure;
        mcp_header_request request;
        request.why = mcp_header_request::occasion::rejected_token;
        request.server_labels.push_back(server->definition.server_label);
        request.run_id = stream->run_id();
        request.thread_id = stream->thread_id();
        co_await refresh_headers(stream->run, std::move(request));
    }
}

/// The outcome of a call, for the model and for the caller.
struct call_report {
    call_report() = default;

    events::mcp_call event;
    call_output output;
};

bool consists_of(std::string_view text, std::string_view more) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [more](char c) {
        return ascii::is_alphanumeric(c) || more.find(c) != more.npos;
    });
}

/// The image or the file that a block of a result holds.
std::optional<content_block> media_of(const mcp::content& block) {
    if (!consists_of(block.data, "+/=") || !consists_of(block.mime_type, "!#$&^_.+-/")) return std::nullopt;
    const std::string url = "data:" + block.mime_type + ";base64," + block.data;
    if (block.mime_type.starts_with("image/")) return content_block::image_url(url);
    if (block.type != "resource") return std::nullopt;
    const std::string name = block.name.empty() ? block.uri.substr(block.uri.rfind('/') + 1) : block.name;
    return content_block::file_data(name.empty() ? "file" : name, url);
}

/// Takes images and files out of a result, of at most so many bytes.
std::vector<content_block> take_media(mcp::tool_result& result, std::size_t& most) {
    std::vector<content_block> media;
    std::erase_if(result.content, [&](const mcp::content& block) {
        std::optional<content_block> found = media_of(block);
        if (!found || found->value.size() > most) return false;
        most -= found->value.size();
        media.push_back(std::move(*found));
        return true;
    });
    return media;
}

void take_result(call_report& report, mcp::tool_result result, const run_context& run) {
    std::size_t most = run.options->max_mcp_output_bytes;
    report.event.call.output = shortened(utf8::decoded(result.text()), most);
    std::vector<content_block> blocks;
    if (run.options->mcp_media && run.api->options.protocol == protocol::responses && !result.is_error)
        blocks = take_media(result, most);
    std::string text = shortened(utf8::decoded(result.text()), most);
    if (!blocks.empty()) {
        if (!text.empty()) blocks.insert(blocks.begin(), content_block::text(std::move(text)));
        report.output = std::move(blocks);
        return;
    }
    if (result.is_error)
        text = codec::encode_function_failure(text.empty() ? "The tool failed." : text);
    else if (text.empty())
        text = "(no output)";
    report.output = std::move(text);
}

void take_failure(call_report& report, const error& failure) {
    report.event.error = failure.what();
    report.event.challenge = failure.details().challenge;
    report.output = codec::encode_function_failure(reason_for_model(failure));
}

}  // namespace

std::vector<mcp_approval_request> approvals_of(const run_context& run, const std::vector<function_call>& calls) {
    std::vector<mcp_approval_request> requests;
    for (const function_call& call : calls) {
        const client_servers::function* const tool = run.client ? run.client->find(call.name) : nullptr;
        if (tool == nullptr || !tool->server->needs_approval(tool->tool)) continue;
        mcp_approval_request& request = requests.emplace_back();
        request.id = call.id;
        request.name = tool->tool;
        request.server_label = tool->server->definition.server_label;
        request.arguments = call.arguments;
    }
    return requests;
}

asio::awaitable<void> prepare_client_calls(std::shared_ptr<stream_state> stream, std::vector<function_call> calls) {
    const std::shared_ptr<client_servers> client = stream->run->client;
    if (!client) co_return;
    mcp_header_request request;
    request.why = mcp_header_request::occasion::call;
    request.run_id = stream->run_id();
    request.thread_id = stream->thread_id();
    for (const function_call& call : calls) {
        const client_servers::function* const tool = client->find(call.name);
        if (tool == nullptr) continue;
        tool->server->token_rejected = false;
        const std::string& label = tool->server->definition.server_label;
        std::vector<std::string>& labels = request.server_labels;
        if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
    }
    const bool asks = stream->run->provider && !request.server_labels.empty();
    if (asks) co_await refresh_headers(stream->run, std::move(request));
    for (const auto& each : client->servers)
        for (const header& field : each->fields) stream->secrets.add(field.value);
}

asio::awaitable<call_output> call_tool(std::shared_ptr<stream_state> stream, client_servers::function tool,
                                       function_call call) {
    call_report report;
    tool_call& shown = report.event.call;
    shown.id = call.id;
    shown.type = "mcp";
    shown.name = tool.tool;
    shown.server_label = tool.server->definition.server_label;
    shown.arguments = call.arguments;
    const net::time_point began = stream->now();
    const auto date = std::chrono::system_clock::now();
    auto calling = call_with_headers(stream, tool.server, tool.tool, call.arguments);
    auto called = co_await attempt(std::move(calling));
    try {
        take_result(report, called.take(), *stream->run);
    } catch (const error& failure) {
        // Without headers, nothing can be called, as at the service.
        if (failure.code() == errc::mcp_headers_failed || failure.code() == errc::mcp_headers_timeout) throw;
        take_failure(report, failure);
    }
    report.event.duration = stream->now() - began;
    deliver(*stream, codec::mcp_call_name, codec::encode(report.event));
    events::function_called done;
    done.call_id = call.id;
    done.name = call.name;
    done.arguments = std::move(call.arguments);
    done.output = report.output.text();
    done.error = report.event.error;
    done.duration = report.event.duration;
    stream->observed.function_called(stream->api(), done, date, stream->secrets, stream->protocol->identity());
    co_return std::move(report.output);
}

void announce_client_servers(stream_state& stream) {
    if (!stream.run->client) return;
    for (const reconcile_report::line& line : stream.run->client->report.lines())
        stream.report.add(line.row, line.text);
    for (const auto& each : stream.run->client->servers) {
        for (const header& field : each->fields) stream.secrets.add(field.value);
        events::mcp_tools_listed listed;
        listed.list = each->list;
        deliver(stream, codec::mcp_tools_listed_name, codec::encode(listed));
    }
}

}  // namespace corun::detail
