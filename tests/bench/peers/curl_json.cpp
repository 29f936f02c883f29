// A client as one writes it by hand: libcurl multi, lines, and a JSON document for each event.
//
//     bench-curl_json URL EVENTS
#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct stream {
    std::string bytes;
    std::size_t deltas = 0;

    void take(std::string_view event) {
        const std::size_t data = event.find("data: ");
        if (data == event.npos || !event.starts_with("event: thread.message.delta\n")) return;
        const auto json = nlohmann::json::parse(event.substr(data + 6));
        if (!json["delta"]["content"][0]["text"]["value"].get<std::string>().empty()) ++deltas;
    }

    static std::size_t receive(char* part, std::size_t, std::size_t size, void* user) {
        auto& self = *static_cast<stream*>(user);
        self.bytes.append(part, size);
        std::size_t begin = 0, end = 0;
        while ((end = self.bytes.find("\n\n", begin)) != self.bytes.npos) {
            self.take(std::string_view(self.bytes).substr(begin, end - begin));
            begin = end + 2;
        }
        self.bytes.erase(0, begin);
        return size;
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    stream read;
    CURLM* const multi = curl_multi_init();
    CURL* const easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &stream::receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &read);
    curl_multi_add_handle(multi, easy);
    for (int running = 1; running != 0;) {
        curl_multi_perform(multi, &running);
        if (running != 0) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return read.deltas == std::strtoull(argv[2], nullptr, 10) ? 0 : 3;
}
