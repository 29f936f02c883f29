#include <corun/event.hpp>

namespace corun {

bool is_terminal(const event& value) noexcept {
    return value.get_if<run_completed>() || value.get_if<run_failed>() || value.get_if<run_incomplete>() ||
           value.get_if<run_cancelled>() || value.get_if<run_expired>();
}

}  // namespace corun
