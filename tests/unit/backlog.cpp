#include "curl/backlog.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using corun::curl::backlog;

constexpr std::size_t piece = std::size_t{16} << 10;

}  // namespace

BOOST_AUTO_TEST_SUITE(backlogs)

BOOST_AUTO_TEST_CASE(gives_back_what_it_was_given_in_order) {
    backlog stored(1'000'000);
    BOOST_TEST(stored.empty());
    BOOST_TEST(stored.bytes() == 0u);
    std::string expected, received;
    for (int i = 0; i != 100; ++i) {
        const std::string bytes = std::to_string(i) + std::string(static_cast<std::size_t>(i) * 50, 'x');
        BOOST_TEST(stored.push(bytes));
        expected += bytes;
        BOOST_TEST(stored.bytes() == expected.size());
    }
    BOOST_TEST(!stored.empty());
    BOOST_TEST(stored.pieces() > 1u);
    while (!stored.empty()) {
        received += stored.pop();
        BOOST_TEST(stored.bytes() == expected.size() - received.size());
    }
    BOOST_TEST((received == expected));
}

BOOST_AUTO_TEST_CASE(small_writes_share_a_piece_until_it_is_full) {
    backlog stored(1'000'000);
    BOOST_TEST(stored.push("a"));
    BOOST_TEST(stored.pieces() == 1u);
    BOOST_TEST(stored.push(std::string(piece - 2, 'b')));
    BOOST_TEST(stored.pieces() == 1u);
    BOOST_TEST(stored.push("c"));  // exactly full
    BOOST_TEST(stored.pieces() == 1u);
    BOOST_TEST(stored.push("d"));
    BOOST_TEST(stored.pieces() == 2u);
    BOOST_TEST(stored.pop().size() == piece);
    BOOST_TEST(stored.pop() == "d");
}

BOOST_AUTO_TEST_CASE(a_write_is_never_divided) {
    backlog stored(1'000'000);
    BOOST_TEST(stored.push("a"));
    BOOST_TEST(stored.push(std::string(piece, 'b')));
    BOOST_TEST(stored.push(std::string(2 * piece, 'c')));
    BOOST_TEST(stored.push("d"));
    BOOST_TEST(stored.pieces() == 4u);
    BOOST_TEST(stored.pop() == "a");
    BOOST_TEST((stored.pop() == std::string(piece, 'b')));
    BOOST_TEST((stored.pop() == std::string(2 * piece, 'c')));
    BOOST_TEST(stored.pop() == "d");
}

BOOST_AUTO_TEST_CASE(a_piece_is_allocated_once) {
    backlog stored(1'000'000);
    BOOST_TEST(stored.push("a"));
    const std::string small = stored.pop();
    BOOST_TEST(small.capacity() >= piece);
}

BOOST_AUTO_TEST_CASE(rejects_what_exceeds_its_limit_and_keeps_the_rest) {
    backlog stored(10);
    BOOST_TEST(stored.push("123456"));
    BOOST_TEST(!stored.push("78901"));
    BOOST_TEST(stored.bytes() == 6u);
    BOOST_TEST(stored.push("7890"));  // exactly full
    BOOST_TEST(!stored.push("1"));
    BOOST_TEST(stored.push(""));
    BOOST_TEST(stored.pop() == "1234567890");
    BOOST_TEST(stored.push("1234567890"));
    BOOST_TEST(!stored.push("1"));
}

BOOST_AUTO_TEST_SUITE_END()
