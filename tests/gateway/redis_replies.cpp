// Redis' protocol, as the gateway reads it.
#include "gateway/redis/link.hpp"
#include "gateway/redis/reply.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace corun::gateway::redis;

/// As text, to be compared.
std::string described(const reply& value) {
    switch (value.type) {
        case reply::kind::null:
            return "null";
        case reply::kind::text:
            return "'" + value.text + "'";
        case reply::kind::error:
            return "!" + value.text;
        case reply::kind::number:
            return std::to_string(value.number);
        case reply::kind::array:
            break;
    }
    std::string text = "[";
    for (const reply& each : value.elements) text += described(each) + " ";
    return text + "]";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_replies)

BOOST_AUTO_TEST_CASE(replies_are_read_however_they_are_split) {
    const std::string bytes =
        "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nb \r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
        "*3\r\n*2\r\n$1\r\nx\r\n:1\r\n*0\r\n$-1\r\n";
    const std::vector<std::string> expected = {"'OK'", "!ERR no", "-42", "'a\r\nb '",          "''",
                                               "null", "null",    "[]",  "[['x' 1 ] [] null ]"};
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        reply_reader reader;
        std::vector<std::string> read;
        for (std::size_t at = 0; at < bytes.size(); at += size) {
            reader.feed(std::string_view(bytes).substr(at, size));
            while (const auto next = reader.next()) read.push_back(described(*next));
        }
        BOOST_TEST(read == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_reply_is_refused) {
    std::string deep;
    for (std::size_t i = 0; i <= reply_reader::max_depth; ++i) deep += "*1\r\n";
    for (const std::string& wrong :
         {std::string("?x\r\n"), std::string("\r\n"), std::string(":1x\r\n"), std::string(":\r\n"),
          std::string("$99999999999\r\n"), std::string("*x\r\n"), deep}) {
        reply_reader reader;
        reader.feed(wrong);
        BOOST_CHECK_THROW((void)reader.next(), protocol_error);
    }
}

BOOST_AUTO_TEST_CASE(commands_are_lists_of_texts) {
    const std::vector<std::string> command = {"SET", "key", "a\r\nb"};
    BOOST_TEST(encode(command) == "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\na\r\nb\r\n");
}

BOOST_AUTO_TEST_CASE(addresses) {
    const address plain("redis://cache");
    BOOST_TEST(plain.host == "cache");
    BOOST_TEST(plain.port == "6379");
    const address full("redis://corun@10.0.0.1:6380/3");
    BOOST_TEST(full.user == "corun");
    BOOST_TEST(full.host == "10.0.0.1");
    BOOST_TEST(full.port == "6380");
    BOOST_TEST(full.database == 3);
    const address v6("redis://[::1]:7000");
    BOOST_TEST(v6.host == "::1");
    BOOST_TEST(v6.port == "7000");
    BOOST_TEST(address("redis://[::1]").host == "::1");
    const address local("unix:/run/redis.sock?db=2");
    BOOST_TEST(local.path == "/run/redis.sock");
    BOOST_TEST(local.database == 2);
    BOOST_TEST(address("unix:///run/redis.sock").path == "/run/redis.sock");
    for (const char* wrong : {"", "cache", "http://cache", "redis://", "redis://cache/x", "redis://user:secret@cache",
                              "unix:relative", "rediss://cache"})
        BOOST_CHECK_THROW(address{wrong}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
