#pragma once

#include <csignal>

namespace corun::cli {

/// While it lives, Ctrl-C only sets a flag, and interrupts system calls. Not beside `run_interruptible`.
class interrupt_flag {
public:
    interrupt_flag();
    interrupt_flag(const interrupt_flag&) = delete;
    interrupt_flag& operator=(const interrupt_flag&) = delete;
    ~interrupt_flag();

    [[nodiscard]] static bool is_set() noexcept;

private:
    struct sigaction before_ {};
};

}  // namespace corun::cli
