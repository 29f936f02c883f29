#pragma once
#include "net/clock.hpp"

#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace corun::test {

/// A clock that a test moves by hand.
class manual_clock final : public net::clock {
public:
    [[nodiscard]] net::time_point now() const noexcept override { return now_; }

    [[nodiscard]] std::unique_ptr<net::timer> make_timer() override { return std::make_unique<manual_timer>(*this); }

    /// Moves time on, and calls what expires on the way, each at its time.
    void advance(std::chrono::milliseconds by) {
        const net::time_point target = now_ + by;
        while (!pending_.empty() && pending_.begin()->first <= target) {
            auto node = pending_.extract(pending_.begin());
            now_ = std::max(now_, node.key());
            node.mapped().second();
        }
        now_ = target;
    }

    /// Moves time on to what expires next; false when nothing does.
    bool advance_to_next() {
        if (pending_.empty()) return false;
        advance(std::chrono::ceil<std::chrono::milliseconds>(
            std::max(pending_.begin()->first - now_, net::time_point::duration(0))));
        return true;
    }

    /// Drops what is pending, as an executor does that goes away.
    void shut_down() { const auto dropped = std::exchange(pending_, {}); }

    /// How many timers are set.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }

private:
    class manual_timer;
    using entry = std::pair<const manual_timer*, std::function<void()>>;

    class manual_timer final : public net::timer {
    public:
        explicit manual_timer(manual_clock& owner) : owner_(owner) {}
        ~manual_timer() override { cancel(); }

        void expires_at(net::time_point when, std::function<void()> on_expiry) override {
            cancel();
            owner_.pending_.emplace(when, entry(this, std::move(on_expiry)));
        }
        void cancel() noexcept override {
            std::erase_if(owner_.pending_, [this](const auto& item) { return item.second.first == this; });
        }

    private:
        manual_clock& owner_;
    };

    net::time_point now_{};
    std::multimap<net::time_point, entry> pending_;
};

}  // namespace corun::test
