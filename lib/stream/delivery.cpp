#include "stream/delivery.hpp"

#include "protocol/event_access.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace corun::detail {
namespace {

void set_if_empty(std::string& target, const std::string& value) {
    if (target.empty()) target = value;
}

/// An event about the run that does not say which one: it is the stream's.
void set_missing_ids(event& malformed, const run_identity& identity) {
    const auto set = [&identity](auto& body) {
        if constexpr (requires { body.run.thread_id; }) {
            set_if_empty(body.run.id, identity.run_id);
            set_if_empty(body.run.thread_id, identity.thread_id);
        } else if constexpr (requires { body.run_id; }) {
            if constexpr (std::is_same_v<decltype(body.run_id), std::string>) {
                set_if_empty(body.run_id, identity.run_id);
                set_if_empty(body.thread_id, identity.thread_id);
            }
        }
    };
    event_access::change_body(malformed, set);
}

}  // namespace

bool event_delivery::take(run_protocol& protocol, event& taken, std::error_code& failure, std::string& problem) {
    if (!decoded_.empty()) {
        taken = std::move(decoded_.back());
        decoded_.pop_back();
        return true;
    }
    if (queue_.empty()) return false;
    const bool is_new = queue_.taken() >= recorded_;
    failure = protocol.decode(queue_.pop(), taken, decoded_, problem);
    if (failure) {
        // What came before it has been delivered; what came after it cannot be trusted.
        drop();
        return false;
    }
    // Of texts the decoder knows how much has come.
    const bool is_text = taken.get_if<events::text_delta>() && decoded_.empty();
    if (is_text) return true;
    if (!taken.problem().empty() || taken.get_if<events::run_status>()) set_missing_ids(taken, protocol.identity());
    if (is_new && records_) {
        protocol.delivered(taken);
        for (const event& each : decoded_) protocol.delivered(each);
    }
    if (decoded_.size() > 1) std::reverse(decoded_.begin(), decoded_.end());
    return true;
}

void event_delivery::drop() noexcept {
    decoded_.clear();
    while (!queue_.empty()) (void)queue_.pop();
}

void event_delivery::disconnect(run_protocol& protocol) {
    const std::uint64_t taken = queue_.taken();
    const std::size_t already = recorded_ > taken ? static_cast<std::size_t>(recorded_ - taken) : 0;
    protocol.on_disconnect(queue_.waiting(), already);
    all_recorded();
}

}  // namespace corun::detail
