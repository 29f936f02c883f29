#include "curl/driver.hpp"

#include "curl/global_init.hpp"

#include <asio/post.hpp>
#include <poll.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace corun::curl {
namespace {

/// As much as libcurl reads at once. No more bytes than that wait to be delivered.
constexpr std::size_t most_gathered = std::size_t{16} << 10;

}  // namespace

driver::driver(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      sessions_((initialise_libcurl(), curl_share_init())),
      multi_(curl_multi_init()),
      sockets_(executor_),
      timer_(executor_) {
    if (!sessions_ || !multi_) throw std::bad_alloc();
    // It needs no lock: all transfers of a driver run on one executor.
    curl_share_setopt(sessions_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    gathered_.reserve(most_gathered);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &driver::on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &driver::on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

driver::~driver() {
    // libcurl calls back while it closes its connections.
    closing_ = true;
    multi_.reset();
}

CURLMcode driver::add(CURL* easy, driven_transfer& transfer) {
    const detail::thread_guard::scope alone(guard_);
    transfer.position = active_.size();
    active_.push_back(&transfer);
    CURLMcode code = curl_multi_add_handle(multi_.get(), easy);
    if (code == CURLM_OK && broken_) {
        // It would never be woken.
        curl_multi_remove_handle(multi_.get(), easy);
        code = CURLM_OUT_OF_MEMORY;
    }
    if (code != CURLM_OK) leave(transfer);
    return code;
}

void driver::forget(driven_transfer& transfer) noexcept {
    to_resume_.erase(std::remove(to_resume_.begin(), to_resume_.end(), &transfer), to_resume_.end());
}

void driver::remove(CURL* easy, driven_transfer& transfer) noexcept {
    const detail::thread_guard::scope alone(guard_);
    forget(transfer);
    curl_multi_remove_handle(multi_.get(), easy);
    leave(transfer);
}

void driver::leave(driven_transfer& transfer) noexcept {
    active_[transfer.position] = active_.back();
    active_[transfer.position]->position = transfer.position;
    active_.pop_back();
    if (gathering_ == &transfer) {
        gathering_ = nullptr;
        gathered_.clear();
    }
    if (!active_.empty()) return;
    broken_ = false;
    // A wait that stays pending without transfers would keep the io_context from running out of work.
    timer_.cancel();
    sockets_.cancel();
}

void driver::resume_later(driven_transfer& transfer) {
    const detail::thread_guard::scope alone(guard_);
    if (std::find(to_resume_.begin(), to_resume_.end(), &transfer) == to_resume_.end()) to_resume_.push_back(&transfer);
    if (resume_posted_) return;
    resume_posted_ = true;
    asio::post(executor_, [self = shared_from_this()] { self->resume_all(); });
}

void driver::gather(driven_transfer& to, std::string_view bytes) noexcept {
    if (gathering_ == &to && gathered_.size() + bytes.size() > most_gathered) deliver_gathered();
    // The bytes of another transfer wait until libcurl returns: its sink may pause it, which libcurl does not allow
    // within a callback of this one.
    const bool other = gathering_ && gathering_ != &to;
    if (other || bytes.size() > most_gathered) return to.deliver(bytes);
    gathering_ = &to;
    gathered_.append(bytes);
}

void driver::deliver_gathered() noexcept {
    driven_transfer* const to = std::exchange(gathering_, nullptr);
    if (!to) return;
    to->deliver(gathered_);
    gathered_.clear();
}

void driver::resume_all() noexcept {
    const detail::thread_guard::scope alone(guard_);
    resume_posted_ = false;
    std::vector<driven_transfer*> transfers;
    transfers.swap(to_resume_);
    for (driven_transfer* transfer : transfers) {
        transfer->resume_now();
        deliver_gathered();
    }
    // curl#2393 and others: a resumed transfer may sit still until something happens on its socket.
    act(CURL_SOCKET_TIMEOUT, 0);
    collect_finished();
}

int driver::on_socket(CURL*, curl_socket_t fd, int events, void* self, void* known) noexcept {
    auto& owner = *static_cast<driver*>(self);
    try {
        owner.watch(fd, events, known != nullptr);
    } catch (...) {
        owner.broken_ = true;
    }
    return 0;
}

void driver::watch(curl_socket_t fd, int events, bool known) {
    if (closing_) return;
    if (events == CURL_POLL_REMOVE) {
        if (!known) return;
        // libcurl may have closed the descriptor already.
        sockets_.remove(fd);
        // Its number may be that of another socket when its turn comes.
        std::erase_if(ready_, [fd](const ::pollfd& ready) { return ready.fd == fd; });
        curl_multi_assign(multi_.get(), fd, nullptr);
        return;
    }
    short wanted = 0;
    if (events & CURL_POLL_IN) wanted |= POLLIN;
    if (events & CURL_POLL_OUT) wanted |= POLLOUT;
    sockets_.watch(fd, wanted, known);
    if (!known) curl_multi_assign(multi_.get(), fd, this);
    wait_for_sockets();
}

void driver::wait_for_sockets() {
    if (waiting_ || active_.empty()) return;
    waiting_ = true;
    sockets_.async_wait([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->sockets_ready();
    });
}

void driver::sockets_ready() {
    sockets_.find_ready(ready_);
    // The one that is acted on next is the last.
    std::reverse(ready_.begin(), ready_.end());
    act_on_next();
}

/// One socket a turn of the executor: so whoever waits for its bytes takes them before the next socket is read, while
/// they are in the processor's cache, and not after all others.
void driver::act_on_next() {
    const detail::thread_guard::scope alone(guard_);
    if (!ready_.empty()) {
        const ::pollfd next = ready_.back();
        ready_.pop_back();
        int flags = 0;
        if (next.revents & POLLIN) flags |= CURL_CSELECT_IN;
        if (next.revents & POLLOUT) flags |= CURL_CSELECT_OUT;
        if (next.revents & (POLLERR | POLLHUP | POLLNVAL)) flags |= CURL_CSELECT_ERR;
        act(next.fd, flags);
        collect_finished();
    }
    if (ready_.empty()) {
        waiting_ = false;
        return wait_for_sockets();
    }
    asio::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->act_on_next();
    });
}

int driver::on_timer(CURLM*, long timeout_ms, void* self) noexcept {
    auto& owner = *static_cast<driver*>(self);
    try {
        owner.wait_for_timer(timeout_ms);
    } catch (...) {
        owner.broken_ = true;
    }
    return 0;
}

void driver::wait_for_timer(long timeout_ms) {
    if (closing_) return;
    timer_.cancel();
    if (timeout_ms < 0 || active_.empty()) return;
    // Also a timeout of 0 goes through the executor: libcurl must not be called from its own callback.
    timer_.expires_after(std::chrono::milliseconds(timeout_ms));
    timer_.async_wait([self = shared_from_this()](std::error_code code) {
        if (code) return;
        const detail::thread_guard::scope alone(self->guard_);
        self->act(CURL_SOCKET_TIMEOUT, 0);
        self->collect_finished();
    });
}

void driver::act(curl_socket_t fd, int flags) noexcept {
    int running = 0;
    const CURLMcode code = curl_multi_socket_action(multi_.get(), fd, flags, &running);
    deliver_gathered();
    if (code == CURLM_OK || code == CURLM_BAD_SOCKET) return;
    // After any other error the multi handle is unusable: no transfer would ever end.
    broken_ = true;
}

void driver::collect_finished() noexcept {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode result = message->data.result;
        driven_transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->finished(result);
    }
    if (!broken_) return;
    while (!active_.empty()) active_.back()->finished(CURLE_OUT_OF_MEMORY);
}

}  // namespace corun::curl
