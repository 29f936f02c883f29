#include "emulator/http/api_request.hpp"

#include "server/target.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace corun::emulator {
api_request::api_request(const http::request& request, std::string_view base)
    : body_text(request.body), fields(request.fields) {
    method = request.method;
    const std::string_view target = request.target;
    const auto mark = target.find('?');
    std::string_view raw_path = target.substr(0, mark);
    if (mark != std::string_view::npos) raw_query = target.substr(mark + 1);
    in_project = raw_path.starts_with(base) && (raw_path.size() == base.size() || raw_path[base.size()] == '/');
    if (in_project) raw_path.remove_prefix(base.size());
    path = http::percent_decoded(raw_path);
    segments = http::path_segments(raw_path);
    if (in_project)
        take_agent_segments();
    else
        take_openai_segments();
    query = http::query_parameters(raw_query);
}

void api_request::take_openai_segments() {
    const auto begins = [this](std::size_t at) {
        static constexpr std::string_view resources[] = {"responses", "conversations", "containers",
                                                         "models",    "files",         "vector_stores"};
        return segments[at] == "v1" &&
               std::find(std::begin(resources), std::end(resources), segments[at + 1]) != std::end(resources);
    };
    for (std::size_t at = 0; at + 1 < segments.size(); ++at) {
        if (!begins(at)) continue;
        segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(at));
        segments.insert(segments.begin(), "openai");
        at_openai = true;
        at_bare_v1 = at == 0;
        return;
    }
}

void api_request::take_agent_segments() {
    static constexpr std::string_view endpoint[] = {"endpoint", "protocols", "openai"};
    constexpr std::size_t prefix = 5;
    if (segments.size() <= prefix || segments[0] != "agents" ||
        !std::equal(std::begin(endpoint), std::end(endpoint), segments.begin() + 2))
        return;
    agent = segments[1];
    segments.erase(segments.begin(), segments.begin() + prefix);
    segments.insert(segments.begin(), {"openai", "v1"});
}

std::string api_request::parameter(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return {};
}

bool api_request::has_path(std::string_view pattern) const {
    for (const auto& segment : segments) {
        const auto wanted = pattern.substr(0, pattern.find('/'));
        if (segment.empty() || (wanted != "*" && wanted != segment)) return false;
        pattern.remove_prefix(std::min(wanted.size() + 1, pattern.size()));
    }
    return pattern.empty();
}

json body_of(const api_request& request, const schema::check& check, bool required) {
    if (request.body_text.empty() && !required) return json::object();
    json body = json::parse(request.body_text, nullptr, false);
    if (body.is_discarded())
        throw bad_request("We could not parse the JSON body of your request. The service expects a JSON payload.");
    if (const auto type = http::find(request.fields, "content-type"); !type.starts_with("application/json"))
        throw api_error(415, error_envelope("Unsupported content type: '" + std::string(type) +
                                                "'. This API method only accepts 'application/json' requests.",
                                            "invalid_request_error"));
    check(body, "");
    return body;
}

page_request page_of(const api_request& request) {
    page_request page;
    if (const std::string limit = request.parameter("limit"); !limit.empty()) {
        std::int64_t number = 0;
        const auto parsed = std::from_chars(limit.data(), limit.data() + limit.size(), number);
        if (parsed.ec != std::errc{} || parsed.ptr != limit.data() + limit.size())
            throw bad_request("Invalid type for 'limit': expected an integer, but got a string instead.", "limit",
                              "invalid_type");
        schema::integer(1, 100)(number, "limit");
        page.limit = static_cast<std::size_t>(number);
    }
    if (const std::string order = request.parameter("order"); !order.empty()) {
        schema::one_of({"asc", "desc"})(order, "order");
        page.ascending = order == "asc";
    }
    page.after = request.parameter("after");
    page.before = request.parameter("before");
    return page;
}

json deleted(const std::string& id, const std::string& object) {
    json answer;
    answer["id"] = id;
    answer["deleted"] = true;
    answer["object"] = object;
    return answer;
}

}  // namespace corun::emulator
