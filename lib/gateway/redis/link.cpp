#include "gateway/redis/link.hpp"

#include "async/backoff.hpp"

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <array>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::gateway::redis {
namespace {

using namespace std::chrono_literals;

/// The part before a mark, which is removed with it; without the mark, nothing.
std::string_view cut_before(std::string_view& text, char mark) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return {};
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at + 1);
    return before;
}

int database_of(std::string_view digits) {
    int number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || number < 0)
        throw std::invalid_argument("the database of Redis is no number");
    return number;
}

}  // namespace

address::address(std::string_view url) {
    constexpr std::string_view over_tcp = "redis://", over_unix = "unix:";
    if (url.starts_with(over_unix)) {
        url.remove_prefix(over_unix.size());
        if (url.starts_with("//")) url.remove_prefix(2);
        const auto query = url.find("?db=");
        path = url.substr(0, query);
        if (query != std::string_view::npos) database = database_of(url.substr(query + 4));
        if (!path.starts_with('/')) throw std::invalid_argument("the path of Redis' socket does not begin with /");
        return;
    }
    if (!url.starts_with(over_tcp)) throw std::invalid_argument("the URL of Redis is not redis://... or unix:/...");
    url.remove_prefix(over_tcp.size());
    user = cut_before(url, '@');
    if (user.find(':') != std::string::npos)
        throw std::invalid_argument("the URL of Redis has a password: give it where nobody sees it");
    const auto slash = url.find('/');
    if (slash != std::string_view::npos && slash + 1 < url.size()) database = database_of(url.substr(slash + 1));
    url = url.substr(0, slash);
    const auto colon = url.rfind(':');
    const bool has_port = colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos;
    host = url.substr(0, has_port ? colon : url.npos);
    if (has_port) port = url.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) throw std::invalid_argument("the URL of Redis has no host");
}

link::link(asio::any_io_executor executor, address where, events on)
    : executor_(std::move(executor)),
      where_(std::move(where)),
      on_(std::move(on)),
      socket_(executor_),
      pause_(executor_) {}

void link::start() {
    asio::co_spawn(executor_, work(shared_from_this()), [](std::exception_ptr) {
        // `work` catches everything.
    });
}

void link::stop() {
    stopped_ = true;
    pause_.cancel();
    if (writing_) return;
    std::error_code ignored;
    socket_.close(ignored);
}

void link::reset() {
    std::error_code ignored;
    socket_.close(ignored);
}

asio::awaitable<void> link::work(std::shared_ptr<link> self) {
    const std::shared_ptr<link> kept = std::move(self);
    detail::backoff delays(10ms, 2s);
    while (!kept->stopped_) {
        try {
            co_await kept->connect();
            co_await kept->sign_in();
            kept->open_ = true;
            kept->problem_.clear();
            delays.reset();
            if (!kept->stopped_) kept->on_.opened();
            while (!kept->stopped_) {
                reply next = co_await kept->read();
                if (!kept->stopped_) kept->on_.arrived(std::move(next));
            }
        } catch (const std::exception& failure) {
            kept->problem_ = failure.what();
        }
        kept->reset();
        kept->out_.clear();
        if (std::exchange(kept->open_, false) && !kept->stopped_) kept->on_.lost();
        if (kept->stopped_) break;
        if (kept->on_.failed) kept->on_.failed();
        kept->pause_.expires_after(delays.next());
        std::error_code code;
        co_await kept->pause_.async_wait(asio::redirect_error(asio::use_awaitable, code));
    }
}

asio::awaitable<void> link::connect() {
    reader_ = {};
    socket fresh(executor_);
    if (!where_.path.empty()) {
        const asio::local::stream_protocol::endpoint endpoint(where_.path);
        co_await fresh.async_connect(endpoint, asio::use_awaitable);
        socket_ = std::move(fresh);
        co_return;
    }
    asio::ip::tcp::resolver resolver(executor_);
    const auto found = co_await resolver.async_resolve(where_.host, where_.port, asio::use_awaitable);
    std::error_code failure = asio::error::host_not_found;
    for (const auto& each : found) {
        socket attempt(executor_);
        co_await attempt.async_connect(each.endpoint(), asio::redirect_error(asio::use_awaitable, failure));
        if (failure) continue;
        attempt.set_option(asio::ip::tcp::no_delay(true));
        socket_ = std::move(attempt);
        co_return;
    }
    throw std::system_error(failure, "cannot connect to Redis");
}

asio::awaitable<void> link::sign_in() {
    std::vector<std::vector<std::string>> commands;
    if (!where_.password.empty() && where_.user.empty()) commands.push_back({"AUTH", where_.password});
    if (!where_.password.empty() && !where_.user.empty()) commands.push_back({"AUTH", where_.user, where_.password});
    commands.push_back({"SELECT", std::to_string(where_.database)});
    std::string bytes;
    for (const auto& each : commands) bytes += encode(each);
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const reply response = co_await read();
        if (!response.is_error()) continue;
        // It reads its log, and will accept in a moment.
        if (response.text.starts_with("LOADING")) throw std::runtime_error(response.text);
        throw std::runtime_error(std::string(refused) + response.text);
    }
}

asio::awaitable<reply> link::read() {
    while (true) {
        if (auto whole = reader_.next()) co_return std::move(*whole);
        std::array<char, 16384> bytes;
        const std::size_t size = co_await socket_.async_read_some(asio::buffer(bytes), asio::use_awaitable);
        reader_.feed({bytes.data(), size});
    }
}

void link::send(std::string bytes) {
    if (!open_ || stopped_) return;
    out_ += bytes;
    if (writing_) return;
    writing_ = true;
    asio::co_spawn(executor_, write(shared_from_this()), [](std::exception_ptr) {
        // `read` sees that the connection is lost.
    });
}

asio::awaitable<void> link::write(std::shared_ptr<link> self) {
    const std::shared_ptr<link> kept = std::move(self);
    while (!kept->out_.empty()) {
        const std::string bytes = std::exchange(kept->out_, {});
        std::error_code code;
        co_await asio::async_write(kept->socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
        if (code) break;
    }
    kept->writing_ = false;
    if (kept->stopped_) kept->reset();
}

}  // namespace corun::gateway::redis
