#include "curl/easy_transfer.hpp"

#include "curl/backlog.hpp"
#include "curl/head_parser.hpp"
#include "curl/transfer_error.hpp"
#include "text/url.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

namespace corun::curl {
namespace {

std::string origin_of(const std::string& url) {
    const auto parsed = detail::parse_url(url);
    return parsed ? detail::origin_of(*parsed) : std::string();
}

/// Why the process can open no more files; 0 if it can. libcurl does not tell.
int open_errno() noexcept {
    const int file = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (file < 0) return errno == EMFILE || errno == ENFILE ? errno : 0;
    ::close(file);
    return 0;
}

/// One request on its way. Bytes go to the sink as the driver delivers them; those of a paused stream on a shared
/// connection wait in the backlog, because pausing it in libcurl would not hold its sender back.
class easy_transfer final : public net::transfer, driven_transfer {
public:
    easy_transfer(std::shared_ptr<driver> driver, net::request request, net::sink& receiver,
                  std::shared_ptr<transport_state> transport)
        : driver_(std::move(driver)),
          transport_(std::move(transport)),
          sink_(receiver),
          request_(std::move(request)),
          origin_(origin_of(request_.url)),
          backlog_(transport_->settings.max_backlog_bytes),
          use_(connection_use_of(request_, transport_->settings)) {
        server_state* const shared_server =
            use_ != connection_use::exclusive ? transport_->http2_server(origin_) : nullptr;
        set_options(easy_, request_, *transport_, use_, shared_server != nullptr);
        easy_.set(CURLOPT_SHARE, driver_->sessions());
        set_callbacks();
        if (shared_server && !place_.enter(shared_server->connecting, [this] { driver_->resume_later(*this); })) return;
        if (!begin()) throw std::bad_alloc();
    }

    ~easy_transfer() override {
        if (phase_ == phase::running)
            driver_->remove(easy_.get(), *this);
        else
            driver_->forget(*this);
    }

    void pause() noexcept override {
        if (paused_ || phase_ == phase::reported) return;
        paused_ = true;
        if (use_ != connection_use::shared_stream) curl_easy_pause(easy_.get(), CURLPAUSE_RECV);
    }

    void resume() noexcept override {
        if (!paused_ || phase_ == phase::reported) return;
        paused_ = false;
        driver_->resume_later(*this);
    }

private:
    enum class phase {
        waiting,   ///< For its turn to connect.
        running,   ///< In libcurl's hands.
        finished,  ///< The backlog still has to be delivered.
        reported,  ///< The sink knows of the end.
    };

    void set_callbacks() {
        easy_.set(CURLOPT_PRIVATE, static_cast<driven_transfer*>(this));
        easy_.set(CURLOPT_WRITEFUNCTION, &easy_transfer::on_write);
        easy_.set(CURLOPT_WRITEDATA, this);
        easy_.set(CURLOPT_HEADERFUNCTION, &easy_transfer::on_header);
        easy_.set(CURLOPT_HEADERDATA, this);
        // When a reused connection breaks, libcurl repeats a request whose body it can rewind. The service may have
        // acted on a POST: read from a function that cannot go back, its body is sent once.
        easy_.set(CURLOPT_READFUNCTION, &easy_transfer::on_read);
        easy_.set(CURLOPT_READDATA, this);
        easy_.set(CURLOPT_PREREQFUNCTION, &easy_transfer::on_connected);
        easy_.set(CURLOPT_PREREQDATA, this);
        // Any other request may be repeated anyway.
        if (request_.method == "POST" && use_ != connection_use::exclusive) easy_.watch_for_refusal();
    }

    /// False if there is not enough memory.
    bool begin() {
        if (driver_->add(easy_.get(), *this) != CURLM_OK) return false;
        phase_ = phase::running;
        return true;
    }

    static int on_connected(void* self, char*, char*, int, int) noexcept {
        static_cast<easy_transfer*>(self)->place_.leave();
        return CURL_PREREQFUNC_OK;
    }

    static std::size_t on_read(char* to, std::size_t, std::size_t room, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        try {
            return transfer.read(to, room);
        } catch (const error& failure) {
            transfer.failure_ = failure.code();
            transfer.message_ = failure.details().message;
        } catch (...) {
            transfer.failure_ = std::make_error_code(std::errc::not_enough_memory);
        }
        return CURL_READFUNC_ABORT;
    }

    std::size_t read(char* to, std::size_t room) {
        if (!request_.source) {
            const std::size_t size = request_.body.reveal().substr(sent_).copy(to, room);
            sent_ += size;
            if (sent_ == request_.body.size()) {
                // A long request need not be kept as long as the response lasts.
                request_.body = secret();
                sent_ = 0;
            }
            return size;
        }
        const std::uint64_t rest = request_.source->size() - sent_;
        if (rest == 0) return 0;
        const std::size_t size =
            request_.source->read(to, static_cast<std::size_t>(std::min<std::uint64_t>(room, rest)));
        sent_ += size;
        sink_.on_sent(sent_);
        return size;
    }

    static std::size_t on_write(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        transfer.driver_->gather(transfer, {data, size});
        return size;
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& transfer = *static_cast<easy_transfer*>(self);
        try {
            return transfer.add_header_line({data, size}) ? size : 0;
        } catch (...) {
            transfer.failure_ = std::make_error_code(std::errc::not_enough_memory);
            return 0;
        }
    }

    /// False when the transfer must end.
    bool add_header_line(std::string_view line) {
        switch (head_.add_line(line)) {
            case head_parser::result::more:
                return true;
            case head_parser::result::status_line:
                if (use_ != connection_use::exclusive) learn_version(head_.is_http2());
                return true;
            case head_parser::result::complete:
                sink_.on_head(head_.take());
                return true;
            case head_parser::result::rejected:
                break;
        }
        return false;
    }

    void learn_version(bool http2) {
        server_state& server = transport_->servers[origin_];
        server.speaks_http2 = http2;
        if (http2) return;
        server.connecting.admit_all();
        if (use_ != connection_use::shared_stream) return;
        // The connection is the stream's own after all.
        use_ = connection_use::shared;
        if (paused_) curl_easy_pause(easy_.get(), CURLPAUSE_RECV);
    }

    void deliver(std::string_view bytes) noexcept override {
        if (failure_) return;
        const bool stores = use_ == connection_use::shared_stream && (paused_ || !backlog_.empty());
        if (!stores) return sink_.on_bytes(bytes);
        try {
            if (!backlog_.push(bytes)) failure_ = std::make_error_code(std::errc::no_buffer_space);
        } catch (...) {
            failure_ = std::make_error_code(std::errc::not_enough_memory);
        }
        // The transfer cannot end here, in the middle of libcurl's work.
        if (failure_) driver_->resume_later(*this);
    }

    void resume_now() noexcept override {
        if (phase_ == phase::waiting) {
            if (!place_.is_waiting() && !begin()) finished(CURLE_OUT_OF_MEMORY);
            return;
        }
        if (phase_ == phase::running && failure_) finished(CURLE_WRITE_ERROR);
        while (!paused_ && !backlog_.empty()) {
            const std::string piece = backlog_.pop();
            sink_.on_bytes(piece);
        }
        if (paused_) return;
        if (phase_ == phase::finished)
            report();
        else if (phase_ == phase::running && use_ != connection_use::shared_stream)
            curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
    }

    void finished(CURLcode result) noexcept override {
        place_.fail();
        set_outcome(result);
        if (phase_ == phase::running) driver_->remove(easy_.get(), *this);
        phase_ = phase::finished;
        // Secrets must not wait until the owner drops the transfer.
        easy_.reset();
        request_ = net::request();
        if (backlog_.empty())
            report();
        else if (!paused_)
            driver_->resume_later(*this);
    }

    void set_outcome(CURLcode result) {
        if (failure_ == std::errc::no_buffer_space) {
            message_ = "more than " + std::to_string(transport_->settings.max_backlog_bytes) +
                       " bytes arrived on a shared connection while the stream was paused";
        } else if (failure_) {
            // The source has failed, or there is not enough memory.
        } else {
            transfer_end end(result);
            end.problem = easy_.problem();
            end.origin = origin_;
            end.encoding = head_.content_encoding();
            end.proxy_status = head_.status() == 407 ? 407 : easy_.info(CURLINFO_HTTP_CONNECTCODE);
            end.proxy_tls_failed = easy_.info(CURLINFO_PROXY_SSL_VERIFYRESULT) != 0;
            end.refused = easy_.refused();
            end.head_complete = head_.is_complete();
            end.head_too_large = head_.is_too_large();
            end.os_errno = static_cast<int>(easy_.info(CURLINFO_OS_ERRNO));
            if (result != CURLE_OK) end.open_errno = open_errno();
            failure_ = error_of(end);
            if (failure_) message_ = message_of(end);
        }
    }

    void report() noexcept {
        phase_ = phase::reported;
        sink_.on_done(failure_, std::move(message_));
    }

    std::shared_ptr<driver> driver_;
    std::shared_ptr<transport_state> transport_;
    connect_queue::place place_;
    net::sink& sink_;
    net::request request_;
    std::string origin_;
    easy_handle easy_;
    head_parser head_;
    std::uint64_t sent_ = 0;
    backlog backlog_;
    std::error_code failure_;  ///< Why the transfer ends; once it has ended, its outcome.
    std::string message_;
    connection_use use_;
    phase phase_ = phase::waiting;
    bool paused_ = false;
};

}  // namespace

std::unique_ptr<net::transfer> start_transfer(std::shared_ptr<driver> driver, net::request request, net::sink& receiver,
                                              std::shared_ptr<transport_state> transport) {
    return std::make_unique<easy_transfer>(std::move(driver), std::move(request), receiver, std::move(transport));
}

}  // namespace corun::curl
