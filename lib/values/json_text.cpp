#include <corun/json_text.hpp>

#include <ostream>

namespace corun {

std::ostream& operator<<(std::ostream& out, const json_text& value) {
    return out << value.text();
}

}  // namespace corun
