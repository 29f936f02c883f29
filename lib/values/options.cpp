#include "values/json_object.hpp"
#include <corun/options.hpp>

#include <utility>

namespace corun {

using namespace detail;

client_options::client_options() = default;
run_options::run_options() = default;

truncation_strategy::truncation_strategy(std::string json) : json_(std::move(json)) {}

truncation_strategy truncation_strategy::automatic() {
    return truncation_strategy(R"({"type":"auto"})");
}
truncation_strategy truncation_strategy::last_messages(int count) {
    if (count < 1)
        throw_invalid_argument("truncation_strategy::last_messages",
                               "is " + std::to_string(count) + "; it must be at least 1");
    document object = object_with("type", "last_messages");
    object["last_messages"] = count;
    return truncation_strategy(object.dump());
}

}  // namespace corun
