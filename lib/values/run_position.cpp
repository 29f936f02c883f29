#include "values/position_token.hpp"

#include <utility>

namespace corun {

run_position::run_position(std::string its_run_id, std::string its_thread_id, std::optional<std::int64_t> number)
    : run_id(std::move(its_run_id)), thread_id(std::move(its_thread_id)), sequence_number(number) {}

std::string run_position::to_string() const {
    return detail::encode_position(*this);
}

run_position run_position::parse(std::string_view token) {
    return detail::decode_position(token);
}

}  // namespace corun
