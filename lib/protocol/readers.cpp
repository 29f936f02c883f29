#include "protocol/readers.hpp"

#include "values/failure_kind.hpp"
#include "values/retry_delay.hpp"

#include <limits>
#include <utility>

namespace corun::codec {
namespace {

using json::by;
using json::each_element;
using json::each_member;
using json::into;
using json::member;

constexpr member<usage> usage_detail_members[] = {
    {"cached_tokens", by<read_count, &usage::cached_tokens>},
    {"cache_write_tokens", by<read_count, &usage::cache_write_tokens>},
    {"reasoning_tokens", by<read_count, &usage::reasoning_tokens>},
};
void read_usage_details(json::value source, usage& out) {
    read_members_if(source, usage_detail_members, out);
}
constexpr member<usage> usage_members[] = {
    // The threads protocol.
    {"prompt_tokens", by<read_count, &usage::prompt_tokens>},
    {"completion_tokens", by<read_count, &usage::completion_tokens>},
    {"prompt_token_details", read_usage_details},
    {"prompt_tokens_details", read_usage_details},
    {"completion_token_details", read_usage_details},
    {"completion_tokens_details", read_usage_details},
    // The Responses protocol.
    {"input_tokens", by<read_count, &usage::prompt_tokens>},
    {"output_tokens", by<read_count, &usage::completion_tokens>},
    {"input_tokens_details", read_usage_details},
    {"output_tokens_details", read_usage_details},
    {"compute_units", into<&usage::compute_units>},
    // Both.
    {"total_tokens", by<read_count, &usage::total_tokens>},
};

/// `{"description":...,"parameters":{...}}`, or the same with its name inside.
constexpr member<mcp_tool_info> listed_tool_members[] = {
    {"name", into<&mcp_tool_info::name>},
    {"description", into<&mcp_tool_info::description>},
    {"parameters", by<read_raw, &mcp_tool_info::parameters>},
    {"input_schema", by<read_raw, &mcp_tool_info::parameters>},
};

}  // namespace

void read_raw(json::value source, std::string& out) {
    out.clear();
    if (!json::is_null(source)) out = json::raw(source);
}

void read_count(json::value source, std::int64_t& out) {
    std::optional<std::int64_t> count;
    json::read(source, count);
    out = count.value_or(0);
}

void read_index(json::value source, std::int32_t& out) {
    if (json::is_null(source)) return;
    std::optional<std::int64_t> index;
    json::read(source, index);
    if (!index || *index < 0 || *index > std::numeric_limits<std::int32_t>::max())
        return json::expected("index", "an index");
    out = static_cast<std::int32_t>(*index);
}

void read_optional_index(json::value source, std::optional<std::int32_t>& out) {
    constexpr std::int32_t none = -1;
    std::int32_t index = none;
    read_index(source, index);
    if (index != none) out = index;
}

std::vector<std::string> read_strings(json::value source) {
    std::vector<std::string> texts;
    if (const auto elements = json::array_if(source))
        each_element(*elements, [&texts](json::value element) {
            if (json::string_inside(element)) json::read(element, texts.emplace_back());
        });
    return texts;
}

void read_headers(json::value source, headers& out) {
    out = {};
    const auto fields = json::object_if(source);
    if (!fields) return;
    each_member(*fields, [&out](std::string_view name, json::value field) {
        if (!json::string_inside(field)) return;
        std::string text;
        json::read(field, text);
        out.add(header(std::string(name), secret(std::move(text))));
    });
}

void read_last_error(json::value source, std::optional<last_error>& out) {
    out.reset();
    if (const auto members = json::object_if(source))
        read_members(*members, last_error_members, out.emplace());
    else if (const auto sentence = json::string_inside(source); sentence && !sentence->empty())
        json::read(source, out.emplace().message);
    else
        return;
    if (detail::failure_kind_of(out->code, out->message) != detail::failure_kind::other)
        out->retry_after = detail::retry_delay_in(out->message);
}

void read_usage(json::value source, std::optional<usage>& out) {
    out.reset();
    if (const auto members = json::object_if(source)) read_members(*members, usage_members, out.emplace());
}

void read_run_status(json::value source, thread_run& out) {
    json::read(source, out.status_text);
    out.status = parse_run_state(out.status_text);
}

void read_incomplete_details(json::value source, std::string& reason) {
    reason.clear();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&reason](std::string_view key, json::value member) {
        if (key == "reason") json::read(member, reason);
    });
}

void read_listed_tools(json::value source, std::vector<mcp_tool_info>& out) {
    const auto by_name = json::object_if(source);
    if (!by_name) return read_objects_if(source, listed_tool_members, out);
    out.clear();
    each_member(*by_name, [&out](std::string_view name, json::value member) {
        mcp_tool_info& tool = out.emplace_back();
        tool.name = name;
        read_members_if(member, listed_tool_members, tool);
    });
}

}  // namespace corun::codec
