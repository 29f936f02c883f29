#include "curl/connect_queue.hpp"

#include <algorithm>
#include <utility>

namespace corun::curl {
namespace {

/// The most requests that libcurl lets share a connection.
constexpr std::size_t most_on_a_connection = 100;
/// The most requests that may open connections at a time.
constexpr std::size_t most_connecting = 4;

}  // namespace

bool connect_queue::place::enter(connect_queue& queue, std::function<void()> may_connect) {
    if (queue.connecting_ == 0) {
        ++queue.connecting_;
    } else {
        position_ = queue.waiting_.insert(queue.waiting_.end(), this);
        may_connect_ = std::move(may_connect);
    }
    queue_ = &queue;
    queue.admit();
    return !is_waiting();
}

void connect_queue::place::leave() noexcept {
    connect_queue* const queue = std::exchange(queue_, nullptr);
    if (!queue) return;
    if (is_waiting()) {
        queue->waiting_.erase(position_);
        may_connect_ = nullptr;
        return;
    }
    --queue->connecting_;
    queue->admit();
}

void connect_queue::place::fail() noexcept {
    connect_queue* const queue = queue_;
    leave();
    if (queue) queue->admit_all();
}

void connect_queue::admit() noexcept {
    // Not more connections than those that wait will fill.
    const auto most = [&] { return std::min(most_connecting, 1 + waiting_.size() / most_on_a_connection); };
    while (!waiting_.empty() && connecting_ < most()) admit_next();
}

void connect_queue::admit_next() noexcept {
    place& next = *waiting_.front();
    waiting_.pop_front();
    ++connecting_;
    std::exchange(next.may_connect_, nullptr)();
}

void connect_queue::admit_all() noexcept {
    while (!waiting_.empty()) admit_next();
}

}  // namespace corun::curl
