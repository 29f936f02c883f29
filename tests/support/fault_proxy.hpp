#pragma once
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// Something that the network does to a request or its response on the way. What the *service* does
/// wrong is `emulator::fault`.
///
///     proxy.inject(network_fault::cut().at(700));
///     proxy.inject(network_fault::lose_response().on("POST", "/threads/*/runs").nth(2));
///     proxy.inject(network_fault::split(7));
///
/// An offset counts the bytes of the response as the client gets them, head included: at 0 the
/// client gets nothing, and one past the end never happens. Several faults of one response apply together.
class network_fault {
public:
    static constexpr std::size_t always = static_cast<std::size_t>(-1);

    /// Closes the connection at the offset: FIN.
    static network_fault cut() { return network_fault(kind::cut); }
    /// Resets the connection at the offset: RST.
    static network_fault reset() { return network_fault(kind::reset); }
    /// Passes nothing on from the offset, and keeps the connection open. The service notices nothing
    /// until the client closes it.
    static network_fault stall() { return network_fault(kind::stall); }
    /// Holds what comes from the offset until `fault_proxy::release`.
    static network_fault delay() { return network_fault(kind::delay); }
    /// Ends the response cleanly, with the last chunk and `Connection: close`, after the body that the
    /// service's first `at` bytes hold; the rest is dropped. The response has to be chunked.
    static network_fault truncate() { return network_fault(kind::truncate); }
    /// Sends a range of whole SSE frames twice: `first`, ..., and then these again. The first is 0.
    /// Each frame comes as one chunk. The response has to be chunked.
    static network_fault duplicate(std::size_t first, std::size_t count = 1) {
        network_fault made(kind::duplicate);
        made.first_ = first;
        made.count_ = count;
        return made;
    }
    /// Sends the response in pieces of so many bytes, each read before the next is sent.
    static network_fault split(std::size_t bytes) {
        network_fault made(kind::split);
        made.count_ = bytes;
        return made;
    }
    /// The same in pieces of 1 to `most` bytes, of random sizes that `seed` determines.
    static network_fault split_randomly(std::uint32_t seed, std::size_t most) {
        network_fault made = split(most);
        made.seed_ = seed;
        made.random_ = true;
        return made;
    }
    /// The service gets the request whole and carries it out; the client gets a reset for an answer.
    static network_fault lose_response() { return network_fault(kind::lose_response); }
    /// The client sends the request whole and gets a reset; the service never hears of it.
    static network_fault lose_request() { return network_fault(kind::lose_request); }
    /// Resets a connection as soon as it is made. `nth` counts connections; `on` means nothing.
    static network_fault refuse() { return network_fault(kind::refuse); }

    /// Applies to requests of this method (empty: any) whose path ends so; `*` stands for one segment.
    /// Without it: to what is answered by an event stream; those that lose something: to any request.
    network_fault& on(std::string method, std::string path) {
        method_ = std::move(method);
        path_ = std::move(path);
        return *this;
    }
    network_fault& at(std::size_t offset) {
        offset_ = offset;
        return *this;
    }
    /// Which of the requests it applies to comes first; 1 unless said.
    network_fault& nth(std::size_t number) {
        skipped_ = number - 1;
        return *this;
    }
    /// To so many of them, from the nth; 1 unless said.
    network_fault& times(std::size_t count) {
        times_ = count;
        return *this;
    }
    /// Calls this when it happens.
    network_fault& then(std::function<void()> function) {
        then_ = std::move(function);
        return *this;
    }

private:
    friend class fault_proxy;
    enum class kind { cut, reset, stall, delay, truncate, duplicate, split, lose_response, lose_request, refuse };

    explicit network_fault(kind type) : kind_(type) {}

    kind kind_;
    bool random_ = false;
    std::uint32_t seed_ = 0;
    std::size_t offset_ = 0, first_ = 0, count_ = 0, skipped_ = 0, times_ = 1;
    std::string method_, path_;
    std::function<void()> then_;
};

/// A relay of HTTP/1.1 on a free port of 127.0.0.1, on the test's own io_context, between a client and
/// an HTTP server there. What no fault is injected for passes untouched. Nothing happens by the time
/// that goes by, and nothing by chance.
class fault_proxy {
public:
    /// A response that the service has begun.
    struct response {
        response() = default;
        response(std::string request_method, std::string request_path)
            : method(std::move(request_method)), path(std::move(request_path)) {}

        std::string method, path;   ///< Of the request: `/api/projects/emulator/threads/runs`.
        int status = 0;             ///< Never 1xx.
        bool stream = false;        ///< Its type is `text/event-stream`.
        bool complete = false;      ///< The service sent it to its end.
        std::size_t head_size = 0;  ///< Bytes of the head, the empty line included.
        std::size_t size = 0;       ///< Bytes that the service sent, head and body, as on the wire.
        std::size_t delivered = 0;  ///< Bytes that the client was sent.
    };

    /// `upstream` is the server's `http://127.0.0.1:<port>/path`.
    fault_proxy(asio::io_context& io, std::string_view upstream)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), shared_(std::make_shared<shared>()) {
        const std::size_t colon = upstream.rfind(':');
        const std::size_t slash = upstream.find('/', colon + 3);
        std::uint16_t port = 0;
        std::from_chars(upstream.data() + colon + 1, upstream.data() + upstream.size(), port);
        shared_->upstream = {asio::ip::address_v4::loopback(), port};
        if (slash != std::string_view::npos) path_ = upstream.substr(slash);
        accept();
    }
    fault_proxy(const fault_proxy&) = delete;
    fault_proxy& operator=(const fault_proxy&) = delete;
    ~fault_proxy() { stop(); }

    /// The upstream's URL by way of the proxy.
    [[nodiscard]] std::string endpoint() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path_;
    }
    void inject(network_fault what) { shared_->faults.push_back(std::move(what)); }
    /// Takes back the faults that have not been used up.
    void forgive() { shared_->faults.clear(); }

    /// Lets go what `delay` holds now.
    void release() {
        for (const auto& each : shared_->connections)
            if (const auto alive = each.lock()) alive->gate.cancel();
    }
    /// How many responses are held now.
    [[nodiscard]] std::size_t held() const { return shared_->held; }
    /// How many times a fault has happened. (`split` and `duplicate`: to a response.)
    [[nodiscard]] std::size_t struck() const { return shared_->struck; }
    /// How many connections have been made.
    [[nodiscard]] std::size_t connections() const { return shared_->accepted; }
    /// All responses, as they began.
    [[nodiscard]] const std::deque<response>& responses() const { return shared_->responses; }
    /// Whether `responses` gets those that begin from now on; it does unless said. They grow without bound.
    void keep_responses(bool keep) { shared_->keeps_responses = keep; }
    /// The latest event stream; null when none has passed.
    [[nodiscard]] const response* last_stream() const {
        const auto& all = shared_->responses;
        const auto found = std::find_if(all.rbegin(), all.rend(), [](const response& each) { return each.stream; });
        return found == all.rend() ? nullptr : &*found;
    }

    /// Refuses new connections, and resets those that there are. Idempotent.
    void stop() {
        std::error_code ignored;
        acceptor_.close(ignored);
        shared_->stopped = true;
        for (const auto& each : shared_->connections)
            if (const auto alive = each.lock()) alive->reset();
    }

private:
    using tcp = asio::ip::tcp;

    /// Follows the framing of one message, byte after byte.
    class framing {
    public:
        explicit framing(bool is_response) : response_(is_response) {}

        /// Takes bytes up to the end of the head, or of the message. Gives how many.
        std::size_t take(std::string_view bytes) {
            std::size_t taken = 0;
            const state before = state_;
            while (taken < bytes.size() && state_ != state::ended) {
                step(bytes[taken++]);
                if (before == state::head && state_ != state::head) break;
            }
            return taken;
        }
        [[nodiscard]] bool has_head() const { return state_ != state::head; }
        [[nodiscard]] bool ended() const { return state_ == state::ended; }
        [[nodiscard]] bool chunked() const { return chunked_; }
        [[nodiscard]] const std::string& head() const { return head_; }
        /// The body that came since the last call, without its chunks.
        std::string take_body() { return std::exchange(body_, {}); }
        /// The request was HEAD.
        void expect_no_body() { no_body_ = true; }

        [[nodiscard]] int status() const {
            int value = 0;
            std::from_chars(head_.data() + 9, head_.data() + 12, value);
            return value;
        }
        [[nodiscard]] std::string word(std::size_t number) const {
            std::size_t begin = 0;
            while (number-- > 0) begin = head_.find(' ', begin) + 1;
            return head_.substr(begin, head_.find_first_of(" \r", begin) - begin);
        }
        [[nodiscard]] std::string field(std::string_view name) const {
            const auto same = [](char a, char b) { return lower(a) == lower(b); };
            const std::string wanted = "\r\n" + std::string(name) + ":";
            const auto at = std::search(head_.begin(), head_.end(), wanted.begin(), wanted.end(), same);
            if (at == head_.end()) return {};
            std::string value(at + static_cast<std::ptrdiff_t>(wanted.size()), head_.end());
            value.resize(value.find('\r'));
            value.erase(0, value.find_first_not_of(' '));
            std::transform(value.begin(), value.end(), value.begin(), lower);
            return value;
        }

    private:
        enum class state { head, length, chunk_size, chunk_data, chunk_end, trailer, until_close, ended };

        static char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

        void step(char c) {
            switch (state_) {
                case state::head:
                    head_ += c;
                    if (head_.ends_with("\r\n\r\n")) begin_body();
                    return;
                case state::length:
                case state::chunk_data:
                    body_ += c;
                    if (--left_ == 0) state_ = state_ == state::length ? state::ended : state::chunk_end;
                    return;
                case state::chunk_size:
                case state::chunk_end:
                case state::trailer:
                    line_ += c;
                    if (c == '\n') end_line(std::exchange(line_, {}));
                    return;
                case state::until_close:
                    body_ += c;
                    return;
                case state::ended:
                    return;
            }
        }
        void begin_body() {
            const std::string length = field("content-length");
            const int code = response_ ? status() : 0;
            if (no_body_ || (response_ && (code < 200 || code == 204 || code == 304))) {
                state_ = state::ended;
            } else if (field("transfer-encoding") == "chunked") {
                chunked_ = true;
                state_ = state::chunk_size;
            } else if (!length.empty() || !response_) {
                std::from_chars(length.data(), length.data() + length.size(), left_);
                state_ = left_ == 0 ? state::ended : state::length;
            } else {
                state_ = state::until_close;
            }
        }
        void end_line(const std::string& line) {
            if (state_ == state::chunk_end) {
                state_ = state::chunk_size;
            } else if (state_ == state::trailer) {
                if (line == "\r\n") state_ = state::ended;
            } else {
                std::from_chars(line.data(), line.data() + line.size(), left_, 16);
                state_ = left_ == 0 ? state::trailer : state::chunk_data;
            }
        }

        bool response_, no_body_ = false, chunked_ = false;
        state state_ = state::head;
        std::size_t left_ = 0;
        std::string head_, body_, line_;
    };

    /// A client's connection and the one to the service that belongs to it: one ends with the other.
    struct connection {
        explicit connection(tcp::socket accepted)
            : client(std::move(accepted)), service(client.get_executor()), gate(client.get_executor()) {}

        tcp::socket client, service;
        asio::steady_timer gate;
        std::deque<std::pair<std::string, std::string>> requests;  // method and path, not yet answered
        bool open = true;

        void close() {
            std::error_code ignored;
            open = false;
            client.shutdown(tcp::socket::shutdown_both, ignored);
            client.close(ignored);
            service.close(ignored);
            gate.cancel();
        }
        void reset() {
            std::error_code ignored;
            client.set_option(asio::socket_base::linger(true, 0), ignored);
            open = false;
            client.close(ignored);
            service.close(ignored);
            gate.cancel();
        }
    };

    struct shared {
        tcp::endpoint upstream;
        std::vector<network_fault> faults;
        std::deque<response> responses;
        bool keeps_responses = true;
        std::vector<std::weak_ptr<connection>> connections;
        std::size_t held = 0, struck = 0, accepted = 0;
        bool stopped = false;

        /// The faults for this one, with which they have been used once more.
        template <class Applies>
        std::vector<network_fault> take(Applies applies) {
            std::vector<network_fault> found;
            for (network_fault& each : faults) {
                if (!applies(each)) continue;
                if (each.skipped_ > 0) {
                    --each.skipped_;
                    continue;
                }
                found.push_back(each);
                if (each.times_ != network_fault::always) --each.times_;
            }
            std::erase_if(faults, [](const network_fault& each) { return each.times_ == 0; });
            return found;
        }
        void strike(const network_fault& what) {
            ++struck;
            if (what.then_) what.then_();
        }
    };

    /// A response on its way, and what is to be done to it.
    struct passage {
        framing message{true};
        response own;                      // counted here unless `responses` has it
        response* record = &own;           // where it is counted
        std::vector<network_fault> stops;  // by offset
        std::size_t truncated_at = network_fault::always;
        std::function<void()> truncated;
        std::vector<network_fault> duplicates;
        std::size_t frames = 0;
        std::string frame;
        std::vector<std::string> repeated;  // one a duplicate
        std::size_t piece = 0;              // 0: whole
        bool random = false;
        std::minstd_rand sizes;
        bool swallowed = false;

        [[nodiscard]] bool rewrites() const { return !duplicates.empty() || truncated_at != network_fault::always; }
        std::size_t next_piece(std::size_t most) {
            if (piece == 0) return most;
            return std::min(most, random ? 1 + sizes() % piece : piece);
        }
    };

    static bool ends_so(std::string_view path, std::string_view pattern) {
        while (!pattern.empty()) {
            const std::size_t there = path.rfind('/'), wanted = pattern.rfind('/');
            if (there == path.npos || wanted == pattern.npos) return false;
            const std::string_view segment = pattern.substr(wanted + 1);
            if (segment != "*" && segment != path.substr(there + 1)) return false;
            path = path.substr(0, there);
            pattern = pattern.substr(0, wanted);
        }
        return true;
    }
    static bool fits(const network_fault& fault, std::string_view method, std::string_view path) {
        return (fault.method_.empty() || fault.method_ == method) && ends_so(path, fault.path_);
    }

    void accept() {
        acceptor_.async_accept([this, all = shared_](std::error_code code, tcp::socket socket) {
            if (code || all->stopped) return;
            ++all->accepted;
            auto link = std::make_shared<connection>(std::move(socket));
            std::error_code ignored;
            link->client.set_option(tcp::no_delay(true), ignored);
            std::erase_if(all->connections, [](const auto& each) { return each.expired(); });
            all->connections.push_back(link);
            const auto refused =
                all->take([](const network_fault& each) { return each.kind_ == network_fault::kind::refuse; });
            for (const network_fault& each : refused) all->strike(each);
            if (refused.empty())
                asio::co_spawn(acceptor_.get_executor(), serve(all, link), rethrow);
            else
                link->reset();
            accept();
        });
    }
    static void rethrow(std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    }

    /// Nothing when the peer has closed, or reset.
    static asio::awaitable<std::string> read_some(std::shared_ptr<connection> link, tcp::socket connection::*from,
                                                  std::error_code* code) {
        std::string block(std::size_t{64} << 10, '\0');
        block.resize(co_await ((*link).*from)
                         .async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, *code)));
        co_return block;
    }
    static asio::awaitable<void> write(std::shared_ptr<connection> link, tcp::socket connection::*to,
                                       std::string bytes) {
        std::error_code code;
        co_await asio::async_write((*link).*to, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
    }

    static asio::awaitable<void> serve(std::shared_ptr<shared> all, std::shared_ptr<connection> link) {
        std::error_code code;
        co_await link->service.async_connect(all->upstream, asio::redirect_error(asio::use_awaitable, code));
        if (code) {
            link->reset();
            co_return;
        }
        link->service.set_option(tcp::no_delay(true), code);
        asio::co_spawn(link->client.get_executor(), relay_responses(all, link), rethrow);
        co_await relay_requests(all, link);
    }

    static asio::awaitable<void> relay_requests(std::shared_ptr<shared> all, std::shared_ptr<connection> link) {
        framing message(false);
        std::vector<network_fault> losses;
        while (link->open) {
            std::error_code code;
            const std::string block = co_await read_some(link, &connection::client, &code);
            if (block.empty()) break;
            std::string_view rest = block;
            while (!rest.empty()) {
                const bool had_head = message.has_head();
                const std::string_view taken = rest.substr(0, message.take(rest));
                rest.remove_prefix(taken.size());
                if (!message.has_head()) break;
                std::string forward(taken);
                if (!had_head) {
                    const std::string method = message.word(0);
                    std::string path = message.word(1);
                    path.resize(std::min(path.size(), path.find('?')));
                    losses = all->take([&](const network_fault& each) {
                        return each.kind_ == network_fault::kind::lose_request && fits(each, method, path);
                    });
                    link->requests.emplace_back(method, path);
                    forward = message.head();
                }
                if (losses.empty()) co_await write(link, &connection::service, std::move(forward));
                if (!message.ended()) continue;
                if (!losses.empty()) {
                    link->reset();
                    for (const network_fault& each : losses) all->strike(each);
                    co_return;
                }
                message = framing(false);
            }
        }
        link->close();
    }

    static asio::awaitable<void> relay_responses(std::shared_ptr<shared> all, std::shared_ptr<connection> link) {
        auto now = std::make_shared<passage>();
        std::error_code code;
        while (link->open) {
            const std::string block = co_await read_some(link, &connection::service, &code);
            if (block.empty()) break;
            std::string_view rest = block;
            while (!rest.empty() && link->open) {
                const bool had_head = now->message.has_head();
                if (!had_head && !link->requests.empty() && link->requests.front().first == "HEAD")
                    now->message.expect_no_body();
                std::size_t most = rest.size();
                if (had_head) most = std::min(most, now->truncated_at - now->record->size);
                const std::string_view taken = rest.substr(0, now->message.take(rest.substr(0, most)));
                rest.remove_prefix(taken.size());
                if (!now->message.has_head()) break;
                if (now->message.status() < 200) {
                    co_await write(link, &connection::client, now->message.head());
                    now = std::make_shared<passage>();
                    continue;
                }
                std::string bytes(taken);
                if (!had_head) {
                    begin(*all, *link, *now);
                    bytes = now->message.head();
                }
                now->record->size += bytes.size();
                if (now->rewrites()) bytes = rewritten(*all, *now, bytes, !had_head);
                co_await deliver(all, link, now, std::move(bytes));
                if (now->record->size >= now->truncated_at) {
                    ++all->struck;
                    if (now->truncated) now->truncated();
                    link->close();
                }
                if (!now->message.ended()) continue;
                now->record->complete = true;
                now = std::make_shared<passage>();
            }
        }
        if (code == asio::error::connection_reset)
            link->reset();
        else
            link->close();
    }

    /// The head is known: which faults are for this response?
    static void begin(shared& all, connection& link, passage& now) {
        using kind = network_fault::kind;
        const auto is_earlier = [](const network_fault& one, const network_fault& other) {
            return one.offset_ < other.offset_;
        };
        if (link.requests.empty()) link.requests.emplace_back();  // An answer that nobody asked for.
        now.own = response(link.requests.front().first, link.requests.front().second);
        if (all.keeps_responses) now.record = &all.responses.emplace_back(std::move(now.own));
        response& record = *now.record;
        link.requests.pop_front();
        record.status = now.message.status();
        record.stream = now.message.field("content-type").starts_with("text/event-stream");
        record.head_size = now.message.head().size();
        const auto found = all.take([&](const network_fault& each) {
            if (each.kind_ == kind::lose_request || each.kind_ == kind::refuse) return false;
            const bool named = !each.method_.empty() || !each.path_.empty();
            if (!named && each.kind_ != kind::lose_response && !record.stream) return false;
            return fits(each, record.method, record.path);
        });
        for (const network_fault& each : found) {
            if ((each.kind_ == kind::truncate || each.kind_ == kind::duplicate) && !now.message.chunked())
                throw std::logic_error("only a chunked response can be truncated or have frames twice");
            switch (each.kind_) {
                case kind::truncate:
                    now.truncated_at = std::max(each.offset_, record.head_size);
                    now.truncated = each.then_;
                    break;
                case kind::duplicate:
                    now.duplicates.push_back(each);
                    break;
                case kind::split:
                    now.piece = each.count_;
                    now.random = each.random_;
                    now.sizes.seed(each.seed_);
                    all.strike(each);
                    break;
                default:
                    now.stops.insert(std::upper_bound(now.stops.begin(), now.stops.end(), each, is_earlier), each);
            }
        }
        now.repeated.resize(now.duplicates.size());
    }

    static std::string chunk(std::string_view body) {
        if (body.empty()) return {};
        char size[20];
        const auto end = std::to_chars(size, size + sizeof size, body.size(), 16).ptr;
        return std::string(size, end) + "\r\n" + std::string(body) + "\r\n";
    }

    /// The body taken out of its chunks, changed, and put into chunks again.
    static std::string rewritten(shared& all, passage& now, std::string_view bytes, bool is_head) {
        const bool truncated = now.record->size >= now.truncated_at;
        const std::string last = truncated || now.message.ended() ? "0\r\n\r\n" : "";
        if (is_head) {
            std::string head(bytes);
            if (now.truncated_at != network_fault::always) head.insert(head.size() - 2, "Connection: close\r\n");
            return head + last;
        }
        if (now.duplicates.empty()) return chunk(now.message.take_body()) + last;
        std::string result;
        for (const char c : now.message.take_body()) {
            now.frame += c;
            if (!now.frame.ends_with("\n\n") && !now.frame.ends_with("\n\r\n")) continue;
            result += chunk(now.frame);
            for (std::size_t i = 0; i < now.duplicates.size(); ++i) {
                const network_fault& each = now.duplicates[i];
                if (now.frames < each.first_ || now.frames - each.first_ >= each.count_) continue;
                now.repeated[i] += now.frame;
                if (now.frames - each.first_ + 1 < each.count_) continue;
                result += chunk(now.repeated[i]);
                all.strike(each);
            }
            ++now.frames;
            now.frame.clear();
        }
        if (!last.empty()) result += chunk(now.frame);
        return result + last;
    }

    static asio::awaitable<void> deliver(std::shared_ptr<shared> all, std::shared_ptr<connection> link,
                                         std::shared_ptr<passage> now, std::string bytes) {
        std::string_view rest = bytes;
        while (link->open && !now->swallowed) {
            std::size_t most = rest.size();
            if (!now->stops.empty()) {
                const std::size_t room = now->stops.front().offset_ - now->record->delivered;
                if (room == 0) {
                    const network_fault due = now->stops.front();
                    now->stops.erase(now->stops.begin());
                    co_await stop_at(all, link, now, due);
                    continue;
                }
                most = std::min(most, room);
            }
            if (rest.empty()) co_return;
            const std::string piece(rest.substr(0, now->next_piece(most)));
            rest.remove_prefix(piece.size());
            co_await write(link, &connection::client, piece);
            now->record->delivered += piece.size();
            // The client reads this piece before the next is written.
            for (int i = 0; i < 3 && now->piece != 0; ++i)
                co_await asio::post(link->client.get_executor(), asio::use_awaitable);
        }
    }

    static asio::awaitable<void> stop_at(std::shared_ptr<shared> all, std::shared_ptr<connection> link,
                                         std::shared_ptr<passage> now, network_fault what) {
        using kind = network_fault::kind;
        std::error_code code;
        if (what.kind_ == kind::cut) link->close();
        if (what.kind_ == kind::reset || what.kind_ == kind::lose_response) link->reset();
        if (what.kind_ == kind::stall) now->swallowed = true;
        if (what.kind_ != kind::delay) {
            all->strike(what);
            co_return;
        }
        ++all->held;
        link->gate.expires_at(asio::steady_timer::time_point::max());
        all->strike(what);
        co_await link->gate.async_wait(asio::redirect_error(asio::use_awaitable, code));
        --all->held;
    }

    asio::ip::tcp::acceptor acceptor_;
    std::shared_ptr<shared> shared_;
    std::string path_;
};

}  // namespace corun::test
