#include "curl/curl_transport.hpp"

#include "curl/driver.hpp"
#include "text/url.hpp"

#include <asio/ip/address.hpp>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <deque>
#include <new>
#include <set>

namespace corun::curl {
namespace {

/// More than any service sends; libcurl itself bounds one field only.
constexpr std::size_t largest_head = std::size_t{256} << 10;
/// As much as libcurl hands over at once.
constexpr std::size_t backlog_piece = std::size_t{16} << 10;

struct easy_deleter {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
using easy_handle = std::unique_ptr<CURL, easy_deleter>;

struct slist_deleter {
    void operator()(curl_slist* list) const noexcept {
        // libcurl frees its copies of our headers as they are; some of them are tokens.
        for (curl_slist* item = list; item; item = item->next)
            for (volatile char* c = item->data; *c; ++c) *c = 0;
        curl_slist_free_all(list);
    }
};
using header_list = std::unique_ptr<curl_slist, slist_deleter>;

void append(header_list& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
}

std::error_code error_of(CURLcode result) noexcept {
    switch (result) {
        case CURLE_OK:
            return {};
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_PROXY:
        case CURLE_INTERFACE_FAILED:
            return errc::connect_failed;
        case CURLE_OPERATION_TIMEDOUT:
            // The only time limit given to libcurl is that of connecting.
            return errc::connect_timeout;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_CLIENTCERT:
        case CURLE_USE_SSL_FAILED:
            return errc::tls_failed;
        case CURLE_PARTIAL_FILE:
            return errc::premature_eof;
        case CURLE_OUT_OF_MEMORY:
            return std::make_error_code(std::errc::not_enough_memory);
        case CURLE_URL_MALFORMAT:
            return errc::invalid_endpoint;
        // The peer speaks, but not HTTP: URLs of other schemes do not come here.
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
            return errc::bad_response;
        default:
            return errc::connection_lost;
    }
}

/// What the transfers of one transport share.
struct shared {
    options settings;
    header_list resolve;
    /// Origins whose latest response over TLS was HTTP/2.
    std::set<std::string, std::less<>> speaks_http2;
};

class easy_transfer final : public net::transfer, driven {
public:
    easy_transfer(std::shared_ptr<driver> owner, net::request what, net::sink& receiver, std::shared_ptr<shared> common)
        : driver_(std::move(owner)),
          request_(std::move(what)),
          sink_(receiver),
          shared_(std::move(common)),
          easy_(curl_easy_init()) {
        if (!easy_) throw std::bad_alloc();
        configure(shared_->settings);
        const CURLMcode code = driver_->add(easy_.get(), *this);
        if (code != CURLM_OK) throw std::bad_alloc();
        added_ = true;
    }

    ~easy_transfer() override {
        if (added_)
            driver_->remove(easy_.get(), *this);
        else
            driver_->forget(*this);
    }

    void pause() noexcept override {
        if (paused_ || over_) return;
        paused_ = true;
        if (!keeps_) curl_easy_pause(easy_.get(), CURLPAUSE_RECV);
    }

    void resume() noexcept override {
        if (!paused_ || over_) return;
        paused_ = false;
        driver_->resume_later(*this);
    }

private:
    template <class T>
    void set(CURLoption option, T value) {
        const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
        if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    }

    void configure(const options& settings) {
        set(CURLOPT_URL, request_.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_PRIVATE, static_cast<driven*>(this));
        set(CURLOPT_ERRORBUFFER, problem_.data());
        set(CURLOPT_NOSIGNAL, 1L);
        // Else dropping a transfer whose host name is being looked up waits for the look-up, and everybody with it.
        set(CURLOPT_QUICK_EXIT, 1L);
        const auto url = detail::parse_url(request_.url);
        if (url) origin_ = detail::origin_of(*url);
        // A paused HTTP/2 stream goes on filling libcurl's window of 32 MB; on HTTP/1.1 TCP holds the sender back.
        // And a source cannot be read again for a stream that the server refuses.
        keeps_ = request_.streams && !request_.unshared && settings.multiplex_streams;
        shares_ = !request_.source && (!request_.streams || keeps_);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(shares_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
        // To wait for a connection that turns out to be HTTP/1.1 is to wait for the end of somebody else's response.
        if (keeps_ && shared_->speaks_http2.contains(origin_)) set(CURLOPT_PIPEWAIT, 1L);
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_TCP_KEEPALIVE, 1L);
        set(CURLOPT_BUFFERSIZE, settings.receive_buffer_bytes);
        set(CURLOPT_UPLOAD_BUFFERSIZE, request_.source ? 64L << 10 : 16L << 10);
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        set(CURLOPT_WRITEFUNCTION, &easy_transfer::on_write);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_HEADERFUNCTION, &easy_transfer::on_header);
        set(CURLOPT_HEADERDATA, this);
        // 0 would mean libcurl's own 300 seconds.
        const auto connect_ms = request_.connect_timeout.count();
        set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? static_cast<long>(connect_ms) : 24L * 3600 * 1000);
        if (!settings.ca_file.empty()) {
            set(CURLOPT_CAINFO, settings.ca_file.c_str());
            set<const char*>(CURLOPT_CAPATH, nullptr);
            set(CURLOPT_PROXY_CAINFO, settings.ca_file.c_str());
            set<const char*>(CURLOPT_PROXY_CAPATH, nullptr);
        }
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        set(CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!settings.client_certificate_file.empty()) {
            set(CURLOPT_SSLCERT, settings.client_certificate_file.c_str());
            if (!settings.client_key_file.empty()) set(CURLOPT_SSLKEY, settings.client_key_file.c_str());
            if (!settings.client_key_passphrase.empty()) {
                std::string passphrase(settings.client_key_passphrase.reveal());
                set(CURLOPT_KEYPASSWD, passphrase.c_str());
                wipe(passphrase);
            }
        }
        if (!settings.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, settings.unix_socket.c_str());
        if (shared_->resolve) set(CURLOPT_RESOLVE, shared_->resolve.get());
        // What is meant for this machine must not leave it, least of all in the clear.
        if ((url && url->loopback) || !settings.unix_socket.empty())
            set(CURLOPT_PROXY, "");
        else if (settings.proxy)
            set(CURLOPT_PROXY, settings.proxy->c_str());

        for (const header& field : request_.headers) {
            std::string line = field.name;
            line.reserve(line.size() + 2 + field.value.size());
            // libcurl drops a header without a value unless it ends in a semicolon.
            if (field.value.empty())
                line += ';';
            else
                line.append(": ").append(field.value.reveal());
            append(headers_, line);
            wipe(line);
        }
        if (request_.method == "POST") {
            set(CURLOPT_POST, 1L);
            // When a reused connection breaks, libcurl sends a request again that it can rewind. A POST may
            // have been acted upon: given by a function that cannot go back, it is sent once.
            set(CURLOPT_READFUNCTION, &easy_transfer::on_read);
            set(CURLOPT_READDATA, this);
            const std::uint64_t size = request_.source ? request_.source->size() : request_.body.size();
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
            // A kept connection may prove dead after the source has been read from, and libcurl would try another.
            if (request_.source) set(CURLOPT_FRESH_CONNECT, 1L);
            // A body over 1 MB would wait a second for a `100 Continue` that services do not send.
            append(headers_, "Expect:");
            // Else libcurl says that it is a form.
            if (!request_.headers.find("Content-Type")) append(headers_, "Content-Type:");
        } else if (request_.method != "GET") {
            set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
        }
        set(CURLOPT_HTTPHEADER, headers_.get());
    }

    static std::size_t on_read(char* to, std::size_t, std::size_t room, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        if (transfer.request_.source) return transfer.pull(to, room);
        const std::string_view rest = transfer.request_.body.reveal().substr(transfer.sent_);
        const std::size_t size = rest.copy(to, room);
        transfer.sent_ += size;
        return size;
    }

    std::size_t pull(char* to, std::size_t room) noexcept {
        try {
            net::body_source& source = *request_.source;
            const std::uint64_t rest = source.size() - sent_;
            if (rest == 0) return 0;
            const std::size_t size = source.read(to, static_cast<std::size_t>(std::min<std::uint64_t>(room, rest)));
            sent_ += size;
            sink_.on_sent(sent_);
            return size;
        } catch (const error& failure) {
            source_failure_ = failure;
        } catch (...) {
            out_of_memory_ = true;
        }
        return CURL_READFUNC_ABORT;
    }

    static std::size_t on_write(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        transfer.driver_->gather(transfer, {data, size});
        return size;
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        try {
            transfer.head_bytes_ += size;
            if (transfer.head_bytes_ > largest_head) return 0;
            return transfer.header_line({data, size}) ? size : 0;
        } catch (...) {
            transfer.out_of_memory_ = true;
            return 0;
        }
    }

    /// False when the transfer must end.
    bool header_line(std::string_view line) {
        // What comes after the head are trailers.
        if (head_given_) return true;
        while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
        if (line.starts_with("HTTP/")) {
            head_ = net::response_head();
            const std::size_t space = line.find(' ');
            if (space != line.npos) std::from_chars(line.data() + space + 1, line.data() + line.size(), head_.status);
            if (shares_) learn_version(line.starts_with("HTTP/2"));
            return true;
        }
        if (line.empty()) {
            if (head_.status < 200) return true;
            // Only a proxy answers so, one that is asked for a resource and not for a tunnel.
            if (head_.status == 407) return false;
            head_given_ = true;
            sink_.on_head(std::move(head_));
            return true;
        }
        const std::size_t colon = line.find(':');
        if (colon == line.npos) return true;
        std::string_view value = line.substr(colon + 1);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
        while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
        head_.fields.emplace_back(line.substr(0, colon), value);
        return true;
    }

    void learn_version(bool http2) {
        if (http2) {
            shared_->speaks_http2.insert(origin_);
            return;
        }
        if (const auto known = shared_->speaks_http2.find(origin_); known != shared_->speaks_http2.end())
            shared_->speaks_http2.erase(known);
        if (!std::exchange(keeps_, false)) return;
        // The connection is the stream's own, after all.
        if (paused_) curl_easy_pause(easy_.get(), CURLPAUSE_RECV);
    }

    void finished(CURLcode result) noexcept override {
        added_ = false;
        code_ = outcome(result);
        detail_ = code_ ? explanation(result) : std::string();
        driver_->remove(easy_.get(), *this);
        // Nothing that is secret waits for the transfer's owner to let go of it.
        easy_.reset();
        headers_.reset();
        request_ = net::request();
        if (backlog_.empty())
            report();
        else if (!paused_)
            driver_->resume_later(*this);
    }

    void report() noexcept {
        over_ = true;
        sink_.on_done(code_, std::move(detail_));
    }

    std::error_code outcome(CURLcode result) const noexcept {
        if (out_of_memory_) return std::make_error_code(std::errc::not_enough_memory);
        if (backlog_full_) return std::make_error_code(std::errc::no_buffer_space);
        if (source_failure_) return source_failure_->code();
        if (head_bytes_ > largest_head) return errc::bad_response;
        if (result != CURLE_OK && proxy_status() >= 300) return errc::connect_failed;
        // libcurl takes a connection closed within the head for the end of the response.
        if (result == CURLE_OK && !head_given_) return errc::connection_lost;
        // The response was broken off, not its connection.
        if (result == CURLE_HTTP2_STREAM && head_given_) return errc::premature_eof;
        if (refused_by_alert(result)) return errc::tls_failed;
        if (broke_in_handshake(result)) return errc::connect_failed;
        return error_of(result);
    }

    /// What a proxy answered that did not let the request through; 0 when there was none.
    long proxy_status() const noexcept {
        long status = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &status);
        return !head_given_ && head_.status == 407 ? 407 : status;
    }

    /// With TLS 1.3 a server says after the handshake that it wants another certificate, or one at all.
    bool refused_by_alert(CURLcode result) const noexcept {
        if (head_given_ || (result != CURLE_RECV_ERROR && result != CURLE_SEND_ERROR)) return false;
        return std::string_view(problem_.data()).find(" alert ") != std::string_view::npos;
    }

    /// Nobody has refused anything: the network broke, and another try may get through.
    bool broke_in_handshake(CURLcode result) const noexcept {
        if (result != CURLE_SSL_CONNECT_ERROR) return false;
        const std::string_view problem = problem_.data();
        return problem.starts_with("OpenSSL SSL_connect: ") || problem.starts_with("Recv failure") ||
               problem.starts_with("Send failure") || problem.find("unexpected eof") != problem.npos;
    }

    std::string explanation(CURLcode result) const {
        if (backlog_full_)
            return "more than " + std::to_string(shared_->settings.max_backlog_bytes) +
                   " bytes waited to be taken, on a connection shared with other streams";
        if (source_failure_) return source_failure_->details().message;
        if (head_bytes_ > largest_head) return "the head of the response is too large";
        if (result == CURLE_OK) return "the response broke off in its head";
        if (result == CURLE_SEND_FAIL_REWIND) return "the connection broke while the request was being sent";
        const long refused = proxy_status();
        if (refused == 407) return "the proxy wants a user and a password, or others than those in its URL (HTTP 407)";
        if (refused >= 300) return "the proxy refused the connection (HTTP " + std::to_string(refused) + ")";
        const std::string_view problem = problem_.data();
        // These two show the proxy's URL, password and all.
        if (problem.starts_with("Unsupported proxy")) return "the proxy's URL cannot be used";
        std::string said = problem.empty() ? curl_easy_strerror(result) : std::string(problem);
        if (outcome(result) != errc::tls_failed) return said;
        long of_proxy = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_PROXY_SSL_VERIFYRESULT, &of_proxy);
        return "TLS with " + (of_proxy != 0 ? std::string("the proxy") : origin_) + ": " + said;
    }

    void deliver(std::string_view bytes) noexcept override {
        if (backlog_full_ || out_of_memory_) return;
        if (!keeps_ || (!paused_ && backlog_.empty())) return sink_.on_bytes(bytes);
        backlog_full_ = bytes.size() > shared_->settings.max_backlog_bytes - backlog_bytes_;
        if (!backlog_full_) {
            try {
                keep(bytes);
            } catch (...) {
                out_of_memory_ = true;
            }
        }
        // Not from here, in the middle of libcurl's work.
        if (backlog_full_ || out_of_memory_) driver_->resume_later(*this);
    }

    void keep(std::string_view bytes) {
        if (backlog_.empty() || backlog_piece - std::min(backlog_piece, backlog_.back().size()) < bytes.size())
            backlog_.emplace_back().reserve(std::max(backlog_piece, bytes.size()));
        backlog_.back().append(bytes);
        backlog_bytes_ += bytes.size();
    }

    void resume_now() noexcept override {
        if (added_ && (backlog_full_ || out_of_memory_)) finished(CURLE_WRITE_ERROR);
        while (!paused_ && !backlog_.empty()) {
            const std::string piece = std::move(backlog_.front());
            backlog_.pop_front();
            backlog_bytes_ -= piece.size();
            sink_.on_bytes(piece);
        }
        if (paused_ || over_) return;
        if (!added_)
            report();
        else if (!keeps_)
            curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
    }

    std::shared_ptr<driver> driver_;
    net::request request_;
    net::sink& sink_;
    std::shared_ptr<shared> shared_;
    std::string origin_;
    easy_handle easy_;
    header_list headers_;
    net::response_head head_;
    std::size_t head_bytes_ = 0;
    std::uint64_t sent_ = 0;
    std::optional<error> source_failure_;
    std::array<char, CURL_ERROR_SIZE> problem_{};
    std::deque<std::string> backlog_;  ///< What came while the stream was paused.
    std::size_t backlog_bytes_ = 0;
    std::error_code code_;
    std::string detail_;
    bool shares_ = false;  ///< May be one of several requests on a connection.
    bool keeps_ = false;   ///< Its connection is, or may become, shared: it is paused here, not in libcurl.
    bool added_ = false;
    bool paused_ = false;
    bool over_ = false;  ///< The sink knows of the end.
    bool head_given_ = false;
    bool backlog_full_ = false;
    bool out_of_memory_ = false;
};

error unfit(std::string message) {
    return error(errc::invalid_argument, std::move(message));
}

/// One line of CURLOPT_RESOLVE.
std::string resolve_line(const std::string& host, const std::vector<std::string>& addresses) {
    const std::string text = "https://" + host;
    const auto url = detail::parse_url(text);
    const bool named = url && !url->port.empty() && url->rest.empty() && !url->user_info &&
                       url->host.find_first_of("*:") == url->host.npos && !url->host.starts_with('-') &&
                       !url->host.starts_with('+');
    if (!named) throw unfit("resolve: '" + host + "' is not a host with its port");
    if (url->loopback) throw unfit("resolve: '" + host + "' is this machine");
    if (addresses.empty()) throw unfit("resolve: '" + host + "' has no address");
    std::string line = host + ':';
    for (const std::string& each : addresses) {
        std::error_code code;
        (void)asio::ip::make_address(each, code);
        if (code || each.find('%') != each.npos) throw unfit("resolve: '" + each + "' is not an address");
        line.append(line.ends_with(':') ? "" : ",").append(each);
    }
    return line;
}

void check(const options& settings) {
    if (settings.client_certificate_file.empty() && !settings.client_key_file.empty())
        throw unfit("client_key_file is given without client_certificate_file");
    if (settings.unix_socket.empty()) return;
    if (settings.unix_socket.size() >= sizeof(sockaddr_un::sun_path)) throw unfit("unix_socket is too long a path");
    if (settings.proxy && !settings.proxy->empty()) throw unfit("unix_socket and proxy are given both");
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_UNIX_SOCKETS))
        throw unfit("unix_socket: this libcurl knows none");
}

class curl_transport final : public net::transport {
public:
    curl_transport(asio::any_io_executor executor, options settings)
        : driver_(std::make_shared<driver>(std::move(executor))), shared_(std::make_shared<shared>()) {
        check(settings);
        for (const auto& [host, addresses] : settings.resolve) append(shared_->resolve, resolve_line(host, addresses));
        shared_->settings = std::move(settings);
    }

    std::unique_ptr<net::transfer> start(net::request what, net::sink& receiver) override {
        return std::make_unique<easy_transfer>(driver_, std::move(what), receiver, shared_);
    }

private:
    std::shared_ptr<driver> driver_;
    std::shared_ptr<shared> shared_;
};

}  // namespace

std::shared_ptr<net::transport> make_transport(asio::any_io_executor executor, options settings) {
    return std::make_shared<curl_transport>(std::move(executor), std::move(settings));
}

}  // namespace corun::curl
