#pragma once
#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace corun::http {

class cuttable_socket;

/// The sockets of a context.
class open_sockets : public asio::execution_context::service {
public:
    using key_type = open_sockets;
    static inline asio::execution_context::id id;
    using key = std::pair<std::uint16_t, asio::ip::tcp::endpoint>;  // our port, the client's endpoint

    explicit open_sockets(asio::execution_context& context) : service(context) {}
    void shutdown() noexcept override {}

    std::map<key, cuttable_socket*> by_endpoints;
};

/// RESTinio cannot cut a connection or close idle ones, but it lets us choose its socket type: this one is found by
/// its endpoints wherever RESTinio moves it.
class cuttable_socket : public asio::ip::tcp::socket {
public:
    explicit cuttable_socket(asio::io_context& context)
        : asio::ip::tcp::socket(context), open_(&asio::use_service<open_sockets>(context)) {}
    cuttable_socket(cuttable_socket&& other)
        : asio::ip::tcp::socket(std::move(other)),
          open_(other.open_),
          reset_(other.reset_),
          key_(std::move(other.key_)) {
        other.key_.reset();
        // The socket that the acceptor filled has no key yet: the first move gives it one.
        if (!key_ && is_open()) {
            std::error_code local, remote;
            open_sockets::key key{local_endpoint(local).port(), remote_endpoint(remote)};
            if (!local && !remote) key_ = key;
        }
        if (key_) open_->by_endpoints[*key_] = this;
    }
    cuttable_socket& operator=(cuttable_socket&&) = delete;
    ~cuttable_socket() { forget(); }

    /// Ends RESTinio's pending read, which makes it close the connection.
    void cut(bool reset) {
        std::error_code ignored;
        if (reset) {
            reset_ = true;
            set_option(asio::ip::tcp::socket::linger(true, 0), ignored);
        }
        asio::ip::tcp::socket::shutdown(shutdown_receive, ignored);
    }

    /// Looks at the first line that a client sends for its version, which RESTinio does not tell.
    template <class Buffer, class Handler>
    void async_read_some(const Buffer& buffer, Handler handler) {
        if (line_ends_) return asio::ip::tcp::socket::async_read_some(buffer, std::move(handler));
        const auto executor = asio::get_associated_executor(handler, get_executor());
        const auto* const bytes = static_cast<const char*>(buffer.data());
        auto look = [this, bytes, handler = std::move(handler)](std::error_code code, std::size_t size) mutable {
            if (!code) look_at({bytes, size});
            handler(code, size);
        };
        asio::ip::tcp::socket::async_read_some(buffer, asio::bind_executor(executor, std::move(look)));
    }
    [[nodiscard]] bool is_http_1_0() const noexcept { return is_http_1_0_; }

    // RESTinio shuts down and then closes: the shutdown would send FIN before the close can send RST.
    std::error_code shutdown(shutdown_type type, std::error_code& code) {
        return reset_ ? std::error_code{} : asio::ip::tcp::socket::shutdown(type, code);
    }
    void close() {
        forget();
        asio::ip::tcp::socket::close();
    }

private:
    void look_at(std::string_view bytes) {
        const auto end = bytes.find('\n');
        line_ends_ = end != std::string_view::npos;
        line_.append(bytes.substr(0, line_ends_ ? end : bytes.size()));
        // Its end is enough.
        if (line_.size() > 16) line_.erase(0, line_.size() - 16);
        is_http_1_0_ = line_ends_ && line_.find(" HTTP/1.0") != std::string::npos;
        if (line_ends_) line_ = std::string();
    }

    void forget() noexcept {
        if (!key_) return;
        const auto found = open_->by_endpoints.find(*key_);
        if (found != open_->by_endpoints.end() && found->second == this) open_->by_endpoints.erase(found);
        key_.reset();
    }

    open_sockets* open_;
    bool reset_ = false;
    bool line_ends_ = false, is_http_1_0_ = false;
    std::string line_;
    std::optional<open_sockets::key> key_;
};

}  // namespace corun::http
