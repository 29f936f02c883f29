// A client on Boost.Beast: its parser reads the chunks, and each event becomes a JSON document.
//
//     bench-beast PORT EVENTS
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

namespace beast = boost::beast;
namespace http = beast::http;

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    boost::asio::io_context io(1);
    beast::tcp_stream connection(io);
    connection.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(std::atoi(argv[1]))});
    http::request<http::string_body> request(http::verb::post, "/threads/runs", 11);
    request.set(http::field::host, "127.0.0.1");
    request.body() = "{}";
    request.prepare_payload();
    http::write(connection, request);

    beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    http::read_header(connection, buffer, parser);
    std::string text;
    std::size_t deltas = 0;
    char part[16384];
    while (!parser.is_done()) {
        parser.get().body().data = part;
        parser.get().body().size = sizeof part;
        beast::error_code code;
        http::read(connection, buffer, parser, code);
        if (code && code != http::error::need_buffer) return 4;
        text.append(part, sizeof part - parser.get().body().size);
        std::size_t begin = 0, end = 0;
        while ((end = text.find("\n\n", begin)) != text.npos) {
            const std::string_view event = std::string_view(text).substr(begin, end - begin);
            begin = end + 2;
            if (!event.starts_with("event: thread.message.delta\n")) continue;
            const auto json = nlohmann::json::parse(event.substr(event.find("data: ") + 6));
            if (!json["delta"]["content"][0]["text"]["value"].get<std::string>().empty()) ++deltas;
        }
        text.erase(0, begin);
    }
    return deltas == std::strtoull(argv[2], nullptr, 10) ? 0 : 3;
}
