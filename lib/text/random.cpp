#include "text/random.hpp"

#include "text/ascii.hpp"

#include <cstdint>
#include <random>

namespace corun::detail {
namespace {

/// To open the device is a hundred times as dear as to draw from it.
std::random_device& device() {
    thread_local std::random_device random;
    return random;
}

}  // namespace

std::string random_hex(std::size_t digits) {
    std::random_device& random = device();
    std::string text;
    text.reserve(digits);
    while (text.size() < digits) {
        // A draw may cost a system call: eight digits from each.
        std::uint32_t bits = random();
        for (int i = 0; i < 8 && text.size() < digits; ++i, bits >>= 4) text += ascii::hex_digits[bits & 15];
    }
    return text;
}

std::string random_uuid() {
    std::string id = random_hex(36);
    for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) id[hyphen] = '-';
    id[14] = '4';
    // The variant takes the two highest bits (RFC 9562, 4.1).
    id[19] = "89ab"[device()() & 3];
    return id;
}

double random_fraction() {
    return std::uniform_real_distribution<double>(0, 1)(device());
}

}  // namespace corun::detail
