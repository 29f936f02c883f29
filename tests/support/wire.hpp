#pragma once
#include "protocol/threads/codec.hpp"
#include <corun/event.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// An SSE event as text.
struct sample {
    std::string_view name, data;
};

/// The event in memory of its own: exactly the padding that is promised lies behind the data, so
/// that the address sanitizer sees a read too far. What the padding holds is meant to mislead.
inline codec::raw_event to_wire(std::string_view name, std::string_view data) {
    const auto bytes = std::make_shared<std::vector<char>>();
    bytes->reserve(name.size() + data.size() + codec::data_padding);
    bytes->insert(bytes->end(), name.begin(), name.end());
    bytes->insert(bytes->end(), data.begin(), data.end());
    const std::string_view misleading = R"(","annotations":[]}}]}}"}}]}})";
    for (std::size_t i = 0; i != codec::data_padding; ++i) bytes->push_back(misleading[i % misleading.size()]);
    codec::raw_event wire;
    wire.name = {bytes->data(), name.size()};
    wire.data = {bytes->data() + name.size(), data.size()};
    wire.storage = bytes;
    return wire;
}

/// What became of one event on the wire.
struct decoded {
    std::error_code code;
    std::string problem;
    std::vector<event> events;
};

template <class Decoder>
decoded decode(Decoder& decoder, std::string_view name, std::string_view data) {
    decoded result;
    event first;
    std::vector<event> more;
    result.code = decoder.decode(to_wire(name, data), first, more, result.problem);
    if (result.code) return result;
    result.events.push_back(std::move(first));
    for (event& each : more) result.events.push_back(std::move(each));
    return result;
}

inline decoded decode(std::string_view name, std::string_view data) {
    codec::threads::decoder decoder;
    return decode(decoder, name, data);
}

/// The same where wrong data is refused.
template <class Decoder = codec::threads::decoder>
decoded decode_strictly(std::string_view name, std::string_view data) {
    Decoder decoder;
    decoder.be_strict(true);
    return decode(decoder, name, data);
}

/// The events of one wire event that must be good.
inline std::vector<event> decode_good(std::string_view name, std::string_view data) {
    decoded result = decode(name, data);
    if (result.code) throw std::runtime_error(result.problem);
    if (!result.events[0].problem().empty()) throw std::runtime_error(std::string(result.events[0].problem()));
    return std::move(result.events);
}

}  // namespace corun::test
