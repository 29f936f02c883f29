#include "run/event_queue.hpp"

#include "json/text.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <utility>

namespace corun::run {

codec::raw_event event_queue::block::at(std::size_t place) const {
    prefix sizes;
    std::memcpy(&sizes, bytes.get() + place, sizeof sizes);
    codec::raw_event event;
    event.data = {bytes.get() + place + sizeof sizes, sizes.data_size};
    event.name = {event.data.data() + sizes.data_size, sizes.name_size};
    event.scratch = {bytes.get() + place + sizeof sizes + sizes.data_size + sizes.name_size, sizes.scratch_size};
    event.storage = bytes;
    if (sizes.shape != 0)
        event.shaped = {sizes.shape, event.data.substr(sizes.text_at, sizes.text_size), sizes.text_escaped,
                        event.data.substr(sizes.id_at, sizes.id_size)};
    return event;
}

event_queue::block& event_queue::with_room(std::size_t size) {
    if (!blocks_.empty() && blocks_.back().room() >= size) return blocks_.back();
    if (!blocks_.empty() && empty()) {
        block& last = blocks_.back();
        if (last.bytes.use_count() == 1 && size <= last.capacity) {
            // Nobody holds an event of it any more; what they read of it, perhaps on other threads, came before.
            std::atomic_thread_fence(std::memory_order_acquire);
            last.used = last.next = 0;
            return last;
        }
        blocks_.clear();
    }
    const std::size_t capacity = std::max(size, next_block_);
    blocks_.push_back({pool_ ? pool_->take(capacity) : std::make_shared_for_overwrite<char[]>(capacity), capacity});
    // Many events at once share larger blocks; a stream that trickles holds little.
    next_block_ = std::min(2 * next_block_, largest_shared_block);
    return blocks_.back();
}

void event_queue::push(std::string_view name, std::string_view data, const codec::shaped_text& shaped) {
    const bool is_shaped = shaped.shape != 0 && data.size() <= std::numeric_limits<std::uint32_t>::max();
    const bool has_escapes = is_shaped ? shaped.escaped : data.find('\\') != data.npos;
    prefix sizes{data.size(), name.size(),   has_escapes ? codec::json::unescaped_bound(data.size()) : 0, 0, 0, 0, 0,
                 0,           shaped.escaped};
    if (is_shaped) {
        const auto at = [data](std::string_view part) { return static_cast<std::uint32_t>(part.data() - data.data()); };
        const auto size = [](std::string_view part) { return static_cast<std::uint32_t>(part.size()); };
        sizes.shape = shaped.shape;
        sizes.text_at = at(shaped.text);
        sizes.text_size = size(shaped.text);
        sizes.id_at = at(shaped.id);
        sizes.id_size = size(shaped.id);
    }
    const std::size_t size = sizeof sizes + data.size() + name.size() + sizes.scratch_size;
    block& last = with_room(size + codec::data_padding);
    char* const place = last.bytes.get() + last.used;
    std::memcpy(place, &sizes, sizeof sizes);
    data.copy(place + sizeof sizes, data.size());
    name.copy(place + sizeof sizes + data.size(), name.size());
    // The padding is shared with the event after this one.
    last.used += size;
    bytes_ += size;
    ++pushed_;
}

codec::raw_event event_queue::pop() {
    block& first = blocks_.front();
    codec::raw_event event = first.at(first.next);
    const std::size_t size = size_of(event);
    first.next += size;
    bytes_ -= size;
    ++taken_;
    if (empty())
        give_back();
    else if (first.next == first.used)
        blocks_.erase(blocks_.begin());
    return event;
}

std::vector<codec::raw_event> event_queue::waiting() const {
    std::vector<codec::raw_event> events;
    for (const block& each : blocks_)
        for (std::size_t at = each.next; at != each.used; at += size_of(events.back())) events.push_back(each.at(at));
    return events;
}

/// Nothing waits: what a burst of events took is of no use now.
void event_queue::give_back() noexcept {
    if (blocks_.front().capacity <= kept_block) return;
    blocks_.clear();
    if (blocks_.capacity() > kept_blocks) std::vector<block>().swap(blocks_);
    next_block_ /= 2;
}

}  // namespace corun::run
