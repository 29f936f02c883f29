#include "interrupt_flag.hpp"

namespace corun::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

interrupt_flag::interrupt_flag() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    interrupted = 0;
    ::sigaction(SIGINT, &action, &before_);
}

interrupt_flag::~interrupt_flag() {
    ::sigaction(SIGINT, &before_, nullptr);
}

bool interrupt_flag::is_set() noexcept {
    return interrupted != 0;
}

}  // namespace corun::cli
