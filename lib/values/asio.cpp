#include <corun/asio.hpp>

namespace corun::detail {

template <>
const char asio_version<ASIO_VERSION>::in_library = 0;

}  // namespace corun::detail
