// Feeds byte streams to the parser, cut as told, and prints its events as JSON lines.
//
// Raw mode: the stream is stdin, cut as the environment variable SSE_CHUNKS says. One line an event,
// then {"end":true,"last_event_id":...,"retry":...}.
// Batch mode (SSE_BATCH=1): stdin lines {"id":N,"input":"<base64>","chunks":"split:5"}, one answer
// {"id":N,"events":[...],"end":{...}} a line.
//
// Cuts: "whole"; "every:N"; "split:K"; "cycle:a,b,c" (sizes in turn, 0 for an empty chunk).
// An event also carries "retry" when a retry field has set it since the event before.
#include <corun/sse/parser.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using nlohmann::json;

std::string from_base64(std::string_view text) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=') break;
        const std::size_t digit = digits.find(c);
        if (digit == digits.npos) throw std::runtime_error("input is not base64");
        bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 0xff);
        }
    }
    return bytes;
}

std::vector<std::size_t> sizes_of(const std::string& list) {
    std::vector<std::size_t> sizes;
    std::istringstream in(list);
    for (std::string size; std::getline(in, size, ',');) sizes.push_back(std::stoul(size));
    return sizes;
}

std::vector<std::string_view> cut(std::string_view stream, const std::string& how) {
    const std::size_t colon = how.find(':');
    const std::string kind = how.substr(0, colon);
    const auto arguments = colon == how.npos ? std::vector<std::size_t>{} : sizes_of(how.substr(colon + 1));

    std::vector<std::string_view> chunks;
    if (kind == "whole") {
        if (!stream.empty()) chunks.push_back(stream);
    } else if (kind == "split" && arguments.size() == 1) {
        const std::size_t at = std::min(arguments[0], stream.size());
        chunks = {stream.substr(0, at), stream.substr(at)};
    } else if ((kind == "every" || kind == "cycle") && std::ranges::any_of(arguments, [](auto n) { return n > 0; })) {
        for (std::size_t i = 0; !stream.empty(); ++i) {
            const std::size_t size = std::min(arguments[i % arguments.size()], stream.size());
            chunks.push_back(stream.substr(0, size));
            stream.remove_prefix(size);
        }
    } else {
        throw std::runtime_error("unknown way to cut: " + how);
    }
    return chunks;
}

template <class OnEvent>
json parse(std::string_view stream, const std::string& how, OnEvent on_event) {
    corun::sse::parser parser;
    const auto retry_of = [&] { return parser.retry() ? json(*parser.retry()) : json(nullptr); };

    json last_retry = nullptr;
    for (const std::string_view chunk : cut(stream, how)) {
        parser.feed(chunk);
        while (const corun::sse::event* event = parser.next()) {
            json out{{"event", event->type}, {"data", event->data}, {"id", event->last_event_id}};
            if (const json retry = retry_of(); retry != last_retry) out["retry"] = last_retry = retry;
            on_event(std::move(out));
        }
    }
    // The end of the stream; the standard drops what comes out here.
    parser.finish();
    if (parser.error() != corun::sse::parser_error::none) throw std::runtime_error("event too large");
    return {{"last_event_id", parser.last_event_id()}, {"retry", retry_of()}};
}

}  // namespace

int main() try {
    std::ios::sync_with_stdio(false);
    if (std::getenv("SSE_BATCH") != nullptr) {
        for (std::string line; std::getline(std::cin, line);) {
            if (line.empty()) continue;
            const json job = json::parse(line);
            json events = json::array();
            const json end = parse(from_base64(job.at("input").get_ref<const std::string&>()), job.at("chunks"),
                                   [&](json event) { events.push_back(std::move(event)); });
            std::cout << json{{"id", job.at("id")}, {"events", std::move(events)}, {"end", end}} << '\n';
        }
    } else {
        const char* how = std::getenv("SSE_CHUNKS");
        const std::string stream{std::istreambuf_iterator<char>(std::cin), {}};
        json end = parse(stream, how != nullptr ? how : "whole", [](const json& event) { std::cout << event << '\n'; });
        end["end"] = true;
        std::cout << end << '\n';
    }
    return std::cout.flush() ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& failure) {
    std::cerr << "sse_adapter: " << failure.what() << '\n';
    return EXIT_FAILURE;
}
