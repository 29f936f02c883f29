#include "text/base64.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace {
namespace base64 = corun::base64;
}

BOOST_AUTO_TEST_SUITE(base64_encoding)

BOOST_AUTO_TEST_CASE(encodes_the_vectors_of_rfc_4648) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"},
                                                           {"\xff\xfe\xfd", "//79"},
                                                           {"\xfb\xef\xbe", "++++"}};
    for (const auto& [bytes, text] : vectors) BOOST_TEST(base64::encode(bytes) == text);
}

BOOST_AUTO_TEST_CASE(decodes_every_digit_of_base64url) {
    const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t value = 0; value < digits.size(); ++value) {
        const auto bytes = base64::decode_url(std::string("A") + digits[value] + "AA");
        BOOST_REQUIRE(bytes.has_value());
        BOOST_TEST(*bytes == (std::string{static_cast<char>(value >> 4), static_cast<char>(value << 4), '\0'}));
    }
    for (int byte = 0; byte < 256; ++byte)
        if (digits.find(static_cast<char>(byte)) == digits.npos)
            BOOST_TEST(!base64::decode_url(std::string("AA") + static_cast<char>(byte)).has_value(), "byte " << byte);
}

BOOST_AUTO_TEST_CASE(decodes_what_encode_wrote) {
    std::string bytes;
    for (int byte = 0; byte < 259; ++byte) {
        std::string text = base64::encode(bytes);
        for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
        std::erase(text, '=');
        BOOST_TEST((base64::decode_url(text) == bytes));
        bytes += static_cast<char>(byte * 37);
    }
}

BOOST_AUTO_TEST_CASE(rejects_a_length_that_no_bytes_have) {
    BOOST_TEST((base64::decode_url("") == ""));
    for (const char* text : {"A", "AAAAA", "AA==", "AA=", "A A"})
        BOOST_TEST(!base64::decode_url(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
