#include "run/event_queue.hpp"

#include <algorithm>
#include <cstring>

namespace corun::run {
namespace {

constexpr std::size_t smallest_block = std::size_t{1} << 10;
constexpr std::size_t largest_shared_block = std::size_t{64} << 10;

}  // namespace

char* event_queue::reserve(std::size_t size, std::size_t expected) {
    if (capacity_ - used_ < size) {
        // A block for what is coming now, not more: a stream that falls silent should hold little.
        const std::size_t shared = std::clamp(expected + 2 * codec::threads::data_padding, smallest_block, largest_shared_block);
        capacity_ = std::max(size, shared);
        block_ = std::make_shared_for_overwrite<char[]>(capacity_);
        used_ = 0;
    }
    char* place = block_.get() + used_;
    used_ += size;
    return place;
}

void event_queue::push(std::string_view name, std::string_view data, std::size_t expected) {
    char* place = reserve(name.size() + data.size() + codec::threads::data_padding, expected);
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
    }
    return event;
}

}  // namespace corun::run
