#include "text/random.hpp"

#include "text/ascii.hpp"

#include <random>

namespace corun::detail {

std::string random_hex(std::size_t digits) {
    std::random_device random;
    std::string text;
    text.reserve(digits);
    while (text.size() != digits) text += ascii::hex_digits[random() & 15];
    return text;
}

std::string random_uuid() {
    std::string id = random_hex(36);
    for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) id[hyphen] = '-';
    id[14] = '4';
    // The variant takes the two highest bits (RFC 9562, 4.1).
    id[19] = "89ab"[std::random_device()() & 3];
    return id;
}

double random_fraction() {
    std::random_device random;
    return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace corun::detail
