// What splitting a stream into events costs, beside a memcpy of the same bytes in the same run.
//
// Usage: sse_split [rounds]. Prints the medians over the rounds.
#include <corun/sse/parser.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

// As the service sends them: about 180 bytes an event, a few characters of text in each.
std::string delta_stream(std::size_t events, std::string_view text) {
    std::string stream;
    for (std::size_t i = 0; i < events; ++i) {
        stream += "event: thread.message.delta\ndata: {\"id\":\"msg_";
        stream += std::to_string(100000 + i * 7919 % 900000);
        stream += R"(","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text",)";
        stream += R"("text":{"value":")";
        stream += text.substr(0, i % 3 == 0 ? text.size() : text.size() / 2);
        stream += "\"}}]}}\n\n";
    }
    return stream;
}

template <class Work>
double nanoseconds(Work work) {
    const auto begin = clock_type::now();
    work();
    return std::chrono::duration<double, std::nano>(clock_type::now() - begin).count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

void measure(const char* name, const std::string& stream, std::size_t events, std::size_t chunk, int rounds) {
    std::vector<char> target(stream.size());
    std::vector<double> copies, splits;
    std::size_t seen = 0, bytes = 0;
    for (int round = 0; round < rounds; ++round) {
        copies.push_back(nanoseconds([&] {
            std::memcpy(target.data(), stream.data(), stream.size());
            asm volatile("" : : "r"(target.data()) : "memory");
        }));
        splits.push_back(nanoseconds([&] {
            corun::sse::parser parser;
            std::string_view rest = stream;
            while (!rest.empty()) {
                parser.feed(rest.substr(0, chunk));
                rest.remove_prefix(std::min(chunk, rest.size()));
                while (const corun::sse::event* event = parser.next()) {
                    ++seen;
                    bytes += event->data.size();
                }
            }
        }));
    }
    if (seen != events * static_cast<std::size_t>(rounds) || bytes == 0) {
        std::puts("lost events");
        std::exit(EXIT_FAILURE);
    }
    const double copy = median(copies), split = median(splits), count = static_cast<double>(events);
    std::printf("%-32s %9zu bytes  memcpy %7.2f ns/event  split %7.2f ns/event  ratio %5.2f\n", name, stream.size(),
                copy / count, split / count, split / copy);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 301;
    const std::string small = delta_stream(1000, "of the coming");
    const std::string accents = delta_stream(1000,
                                             "fran\xC3\xA7"
                                             "ais, na\xC3\xAF");
    const std::string large = delta_stream(100000, "of the coming");

    measure("whole", small, 1000, small.size(), rounds);
    measure("chunks of 16 KiB", small, 1000, 16384, rounds);
    measure("chunks of 1,400", small, 1000, 1400, rounds);
    measure("chunks of 180", small, 1000, 180, rounds);
    measure("not only ASCII, whole", accents, 1000, accents.size(), rounds);
    measure("large, chunks of 64 KiB", large, 100000, 65536, std::max(1, rounds / 20));
    measure("large, whole", large, 100000, large.size(), std::max(1, rounds / 20));
    return EXIT_SUCCESS;
}
