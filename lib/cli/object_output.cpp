#include "object_output.hpp"

#include "printable.hpp"
#include "redacted_json.hpp"

#include <nlohmann/json.hpp>

#include <ctime>

namespace corun::cli {
namespace {

std::string time_text(std::optional<std::int64_t> seconds) {
    if (!seconds) return "-";
    const auto time = static_cast<std::time_t>(*seconds);
    std::tm parts{};
    char text[32];
    ::gmtime_r(&time, &parts);
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::vector<std::string> columns_of(const agent& value) {
    const prompt_agent_definition& prompt = value.prompt_definition();
    if (!prompt.name.empty()) return {value.id(), prompt.version, prompt.model, prompt.description};
    const agent_definition& definition = value.definition();
    return {value.id(), definition.name, definition.model, definition.description};
}

std::vector<std::string> columns_of(const agent_thread& value) {
    return {value.id(), time_text(value.definition().created_at)};
}

std::vector<std::string> columns_of(const thread_message& value) {
    return {value.id, value.role, one_line(value.text(), 72)};
}

std::vector<std::string> columns_of(const thread_run& value) {
    return {value.id, value.status_text, value.agent_id, time_text(value.created_at)};
}

std::vector<std::string> columns_of(const file_info& value) {
    return {value.id, std::to_string(value.bytes), value.purpose, value.filename};
}

std::vector<std::string> columns_of(const vector_store& value) {
    const vector_store_info& info = value.info();
    return {value.id(), info.status, std::to_string(info.file_counts.total) + " files", info.name};
}

const std::string& raw_of(const agent& value) {
    const std::string& prompt = value.prompt_definition().raw;
    return prompt.empty() ? value.definition().raw : prompt;
}
const std::string& raw_of(const agent_thread& value) {
    return value.definition().raw;
}
const std::string& raw_of(const vector_store& value) {
    return value.info().raw;
}

void print_json(program& self, const std::string& raw) {
    self.out.line(redacted_json(raw).dump(self.options.output.json ? -1 : 2, ' ', false,
                                          nlohmann::json::error_handler_t::replace));
}

void print_columns(program& self, const std::vector<std::string>& columns) {
    std::string line;
    for (const std::string& each : columns) {
        const std::string text = one_line(each);
        line += text;
        if (&each == &columns.back()) break;
        if (self.out.is_terminal())
            line += std::string(text.size() < 30 ? 30 - text.size() : 2, ' ');
        else
            line += '\t';
    }
    self.out.line(line);
}

}  // namespace corun::cli
