// A Boost.Beast server that streams the answers of an agent, as `GET /?QUESTION`. Boost.Asio is not Asio: corun has a
// file, an io_context and a thread of its own (agent_worker.cpp), and its events come here by value.
#include "agent_worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = boost::asio::ip::tcp;

/// One request, and the chunks of its response.
class session : public std::enable_shared_from_this<session> {
public:
    session(tcp::socket socket, demo::agent_worker& agent) : socket_(std::move(socket)), agent_(agent) {}

    void start() {
        http::async_read(socket_, buffer_, request_, [self = shared_from_this()](beast::error_code code, std::size_t) {
            if (!code) self->answer();
        });
    }

private:
    auto continuation() {
        return [self = shared_from_this()](beast::error_code code, std::size_t) {
            self->is_writing_ = false;
            if (!code) self->write_next();
        };
    }

    void answer() {
        const auto target = request_.target();
        const auto executor = socket_.get_executor();
        header_.result(http::status::ok);
        header_.set(http::field::content_type, "text/plain; charset=utf-8");
        header_.chunked(true);
        write(header_serializer_);
        agent_.ask(
            std::string(target.substr(target.find('?') + 1)),
            // On the agent's thread: whatever touches this session goes to its own executor.
            [executor, self = shared_from_this()](corun::event event) {
                boost::asio::post(executor, [self, event = std::move(event)] { self->take(event); });
            },
            [executor, self = shared_from_this()](const std::string& error) {
                boost::asio::post(executor, [self, error] { self->end(error); });
            });
    }

    void take(const corun::event& event) {
        const auto* delta = event.get_if<corun::events::text_delta>();
        if (delta && !delta->text.empty()) write(std::string(delta->text));
    }

    void end(const std::string& error) {
        if (!error.empty()) write("\nerror: " + error + "\n");
        is_last_ = true;
        write_next();
    }

    void write(http::response_serializer<http::empty_body>& serializer) {
        is_writing_ = true;
        http::async_write_header(socket_, serializer, continuation());
    }

    void write(std::string text) {
        texts_.push_back(std::move(text));
        write_next();
    }

    void write_next() {
        if (std::exchange(is_writing_, true)) return;
        if (!texts_.empty()) {
            chunk_ = std::move(texts_.front());
            texts_.pop_front();
            boost::asio::async_write(socket_, http::make_chunk(boost::asio::buffer(chunk_)), continuation());
        } else if (std::exchange(is_last_, false)) {
            boost::asio::async_write(socket_, http::make_chunk_last(), continuation());
        } else {
            is_writing_ = false;
        }
    }

    tcp::socket socket_;
    demo::agent_worker& agent_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response<http::empty_body> header_;
    http::response_serializer<http::empty_body> header_serializer_{header_};
    std::deque<std::string> texts_;
    std::string chunk_;
    bool is_writing_ = false, is_last_ = false;
};

void accept(tcp::acceptor& acceptor, demo::agent_worker& agent) {
    acceptor.async_accept([&](beast::error_code code, tcp::socket socket) {
        if (code) return;
        std::make_shared<session>(std::move(socket), agent)->start();
        accept(acceptor, agent);
    });
}

/// What a browser would do.
std::string get(const tcp::endpoint& server, const std::string& target) {
    boost::asio::io_context io;
    tcp::socket socket(io);
    socket.connect(server);
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, "localhost");
    http::write(socket, request);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return response.body();
}

}  // namespace

int main() {
    try {
        boost::asio::io_context io{1};
        demo::agent_worker agent;
        tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
        accept(acceptor, agent);
        std::thread serving([&] { io.run(); });
        const std::string answer = get(acceptor.local_endpoint(), "/?Hello");
        io.stop();
        serving.join();
        std::cout << answer << '\n';
        return answer.empty() || answer.find("error: ") != std::string::npos ? EXIT_FAILURE : EXIT_SUCCESS;
    } catch (const std::exception& failure) {
        std::cerr << "beast: " << failure.what() << '\n';
        return EXIT_FAILURE;
    }
}
