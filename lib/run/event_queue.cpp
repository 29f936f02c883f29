#include "run/event_queue.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace corun::run {
namespace {

/// What an event holds on to while it waits.
std::size_t cost_of(const codec::raw_event& event) noexcept {
    return event.name.size() + event.data.size() + sizeof event;
}

}  // namespace

char* event_queue::reserve(std::size_t size) {
    if (capacity_ - used_ < size) {
        if (block_.use_count() == 1 && size <= capacity_) {
            // Nobody holds an event of it any more; what they read of it, perhaps on other threads, came before.
            std::atomic_thread_fence(std::memory_order_acquire);
        } else {
            capacity_ = std::max(size, next_block_);
            block_ = std::make_shared_for_overwrite<char[]>(capacity_);
            // Many events at once share larger blocks; a stream that trickles holds little.
            next_block_ = std::min(2 * next_block_, largest_shared_block);
        }
        used_ = 0;
    }
    char* place = block_.get() + used_;
    used_ += size;
    return place;
}

void event_queue::push(std::string_view name, std::string_view data) {
    char* place = reserve(name.size() + data.size() + codec::data_padding);
    // The padding is shared with the event after this one.
    used_ -= codec::data_padding;
    std::memcpy(place, data.data(), data.size());
    std::memcpy(place + data.size(), name.data(), name.size());

    // Rather than grow, move up into the room of those that are taken, once they are the most.
    if (events_.size() == events_.capacity() && next_ > events_.size() / 2) {
        events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(next_));
        next_ = 0;
    }
    codec::raw_event& event = events_.emplace_back();
    event.data = {place, data.size()};
    event.name = {place + data.size(), name.size()};
    event.storage = block_;
    bytes_ += cost_of(event);
}

codec::raw_event event_queue::pop() {
    codec::raw_event event = std::move(events_[next_++]);
    ++taken_;
    bytes_ -= cost_of(event);
    if (empty()) give_back();
    return event;
}

/// Nothing waits: what a burst of events took is of no use now.
void event_queue::give_back() noexcept {
    next_ = 0;
    if (events_.capacity() > kept_events)
        std::vector<codec::raw_event>().swap(events_);
    else
        events_.clear();
    if (capacity_ <= kept_block) return;
    block_.reset();
    capacity_ = used_ = 0;
    next_block_ /= 2;
}

}  // namespace corun::run
