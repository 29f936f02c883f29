#include <corun/run_position.hpp>

#include <utility>

namespace corun {

run_position::run_position(std::string its_run_id, std::string its_thread_id, std::optional<std::int64_t> number)
    : run_id(std::move(its_run_id)), thread_id(std::move(its_thread_id)), sequence_number(number) {}

}  // namespace corun
