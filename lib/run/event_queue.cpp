#include "run/event_queue.hpp"

#include <algorithm>
#include <cstring>

namespace corun::run {

char* event_queue::reserve(std::size_t size) {
    if (capacity_ - used_ < size) {
        capacity_ = std::max(size, next_block_);
        block_ = std::make_shared_for_overwrite<char[]>(capacity_);
        used_ = 0;
        // Many events at once share larger blocks; a stream that trickles holds little.
        next_block_ = std::min(2 * next_block_, largest_shared_block);
    }
    char* place = block_.get() + used_;
    used_ += size;
    return place;
}

void event_queue::push(std::string_view name, std::string_view data) {
    char* place = reserve(name.size() + data.size() + codec::threads::data_padding);
    // The padding is shared with the event after this one.
    used_ -= codec::threads::data_padding;
    std::memcpy(place, data.data(), data.size());
    std::memcpy(place + data.size(), name.data(), name.size());
    codec::threads::raw_event event;
    event.data = {place, data.size()};
    event.name = {place + data.size(), name.size()};
    event.storage = block_;
    events_.push_back(std::move(event));
    bytes_ += name.size() + data.size();
}

codec::threads::raw_event event_queue::pop() {
    codec::threads::raw_event event = std::move(events_.front());
    events_.pop_front();
    bytes_ -= event.name.size() + event.data.size();
    if (events_.empty() && capacity_ > smallest_block) {
        block_.reset();
        capacity_ = used_ = 0;
        next_block_ /= 2;
    }
    return event;
}

}  // namespace corun::run
