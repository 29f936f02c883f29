// SHA-256 digests.
#include "text/sha256.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

using corun::detail::sha256_hex;

BOOST_AUTO_TEST_SUITE(sha256)

// The examples of NIST for FIPS 180-4.
BOOST_AUTO_TEST_CASE(digests_are_those_of_the_standard) {
    BOOST_TEST(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    BOOST_TEST(sha256_hex(std::string(1'000'000, 'a')) ==
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Around the ends of blocks; computed with Python's hashlib.
BOOST_AUTO_TEST_CASE(every_length_is_padded) {
    std::string digests;
    for (std::size_t size = 0; size < 200; ++size) digests += sha256_hex(std::string(size, '\xFF'));
    BOOST_TEST(sha256_hex(digests) == "342c819d4677fc607a47210296cb4b6ad4076d6bca3cfdf6b0fc8d5f51deeef5");
}

BOOST_AUTO_TEST_SUITE_END()
