#include "protocol/reconcile_checks.hpp"

#include "text/escape.hpp"
#include "text/url.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace corun::reconcile {

using detail::quote;

bool same_allowed_tools(std::vector<std::string> a, std::vector<std::string> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

bool is_default(const mcp_approval& approval) noexcept {
    return approval.type() == mcp_approval::kind::always ||
           (approval.type() == mcp_approval::kind::by_tool && approval.never_tools().empty());
}

std::string_view to_string(const mcp_approval& approval) noexcept {
    switch (approval.type()) {
        case mcp_approval::kind::always:
            return "'always'";
        case mcp_approval::kind::never:
            return "'never'";
        case mcp_approval::kind::by_tool:
            return "by tool";
    }
    return {};
}

void validate_label(std::string_view label, std::string_view where) {
    const bool has_control_character = std::any_of(label.begin(), label.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
    if (label.empty()) throw error(errc::invalid_server_label, "a label in " + std::string(where) + " is empty");
    if (has_control_character)
        throw error(errc::invalid_server_label,
                    "the label " + quote(label) + " in " + std::string(where) + " contains a control character");
}

void validate_server(std::string_view label, std::string_view url, std::string_view where) {
    validate_label(label, where);
    // Without a URL the service itself knows where the server is.
    if (!url.empty() && !detail::parse_url(url))
        throw error(errc::invalid_argument, "the server_url of " + quote(label) + " in " + std::string(where) +
                                                " is not an absolute http(s) URL");
}

void validate_function(const function_tool& function, std::string_view where) {
    if (function.name.empty())
        throw error(errc::invalid_argument, "a function in " + std::string(where) + " has no name");
}

void validate_tools(const std::vector<tool>& tools, const std::string& where) {
    for (const tool& value : tools) {
        if (const auto* server = std::get_if<mcp_tool>(&value))
            validate_server(server->server_label, server->server_url, where);
        if (const auto* function = std::get_if<function_tool>(&value)) validate_function(*function, where);
        // As bare JSON, its label or name would go unseen here.
        if (std::holds_alternative<json_tool>(value) && (type_of(value) == "mcp" || type_of(value) == "function"))
            throw error(errc::invalid_argument, where + " has a json_tool of type " + quote(type_of(value)) +
                                                    "; use an mcp_tool or a function_tool");
    }
}

void validate_options(const run_options& options) {
    for (const auto& [label, approval] : options.require_approval)
        validate_label(label, "run_options::require_approval");
    validate_tools(options.tools, "run_options::tools");
    for (const local_function& function : options.functions) {
        validate_function(function.definition, "run_options::functions");
        if (!function.handler)
            throw error(errc::invalid_argument,
                        "run_options::functions has " + quote(function.definition.name) + " without a handler");
    }
    const std::pair<const char*, std::optional<std::chrono::milliseconds>> times[] = {
        {"connect_timeout", options.connect_timeout},       {"idle_timeout", options.idle_timeout},
        {"event_timeout", options.event_timeout},           {"total_timeout", options.total_timeout},
        {"mcp_header_timeout", options.mcp_header_timeout},
    };
    for (const auto& [name, time] : times)
        if (time && time->count() < 0)
            throw error(errc::invalid_argument,
                        std::string("run_options::") + name + " is negative: " + std::to_string(time->count()) + " ms");
}

bool has_label(const mcp_tool& server, std::string_view label) noexcept {
    return server.server_label == label;
}

void refuse_unknown(const std::vector<mcp_tool>& known, const std::string& label, const char* where) {
    if (std::any_of(known.begin(), known.end(), [&](const mcp_tool& server) { return has_label(server, label); }))
        return;
    const auto quoted = [](const mcp_tool& server) { return quote(server.server_label); };
    throw error(errc::unknown_server_label,
                std::string(where) + " names MCP server " + quote(label) +
                    ", which neither the agent nor the run has; " +
                    (known.empty() ? "no MCP server is defined" : "known labels: " + list(known, quoted)));
}

void refuse_unknown(const std::vector<mcp_tool>& known, const mcp_headers& headers, const run_options& options) {
    for (const auto& [label, fields] : headers) refuse_unknown(known, label, "mcp_headers");
    for (const auto& [label, approval] : options.require_approval)
        refuse_unknown(known, label, "run_options::require_approval");
}

void refuse_insecure(const mcp_tool& server) {
    const auto url = detail::parse_url(server.server_url);
    if (url && detail::may_carry_credentials(*url)) return;
    throw error(errc::insecure_endpoint,
                "headers are sent only over https, or over http to this machine; MCP server " +
                    quote(server.server_label) + " is at " +
                    (url ? quote(detail::origin_of(*url)) : detail::quote_url(server.server_url)));
}

headers headers_for_approval(const mcp_headers& all, const std::vector<mcp_tool>& servers,
                             std::string_view server_label) {
    validate(all);
    for (const auto& [label, fields] : all) refuse_unknown(servers, label, "mcp_headers");
    headers fields;
    const headers* found = all.find(server_label);
    if (found == nullptr || found->empty()) return fields;
    for (const mcp_tool& server : servers)
        if (has_label(server, server_label)) refuse_insecure(server);
    fields = *found;
    return fields;
}

void validate(const mcp_headers& headers) {
    for (const auto& [label, fields] : headers) {
        validate_label(label, "mcp_headers");
        validate(fields, "MCP server " + quote(label));
    }
}

void validate(const headers& fields, const std::string& owner) {
    for (const header& field : fields) {
        if (!is_header_name(field.name))
            throw error(errc::invalid_header,
                        "the header name " + quote(field.name) + " for " + owner + " is not a token");
        if (!is_header_value(field.value.reveal()))
            throw error(errc::invalid_header,
                        "the value of header " + quote(field.name) + " for " + owner +
                            " contains a control character, or begins or ends with a space or tab");
        // The wire carries headers as a JSON object: one value a name.
        if (fields.find(field.name) != &field.value)
            throw error(errc::invalid_header, "header " + quote(field.name) + " for " + owner + " is specified twice");
    }
}

}  // namespace corun::reconcile
