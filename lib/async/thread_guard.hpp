#pragma once
#include <atomic>
#include <cassert>
#include <thread>

namespace corun::detail {

/// In a debug build, an assertion fails when two threads are in scopes of one guard at the same time.
#ifdef NDEBUG

class thread_guard {
public:
    struct scope {
        explicit scope(thread_guard&) noexcept {}
    };
};

#else

class thread_guard {
public:
    /// Scopes of one thread can be nested.
    class scope {
    public:
        explicit scope(thread_guard& guard) noexcept : guard_(guard) { guard_.enter(); }
        ~scope() { guard_.leave(); }
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        thread_guard& guard_;
    };

private:
    void enter() noexcept {
        const std::thread::id self = std::this_thread::get_id();
        std::thread::id owner;
        const bool alone = owner_.compare_exchange_strong(owner, self) || owner == self;
        assert(alone && "two threads use a corun::client concurrently; use a strand, or one client per thread");
        (void)alone;
        ++depth_;
    }
    void leave() noexcept {
        if (--depth_ == 0) owner_.store(std::thread::id());
    }

    std::atomic<std::thread::id> owner_;
    int depth_ = 0;  ///< Of the owner's scopes.
};

#endif

}  // namespace corun::detail
