#include <corun/message.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using namespace corun;

BOOST_AUTO_TEST_SUITE(messages)

BOOST_AUTO_TEST_CASE(are_made_of_text) {
    for (const message& each : {message("Hello"), message(std::string("Hello"))}) {
        BOOST_TEST(each.role == "user");
        BOOST_REQUIRE(each.content.size() == 1u);
        BOOST_TEST((each.content[0].type == content_block::kind::text));
        BOOST_TEST(each.content[0].value == "Hello");
        BOOST_TEST(each.content[0].detail == "");
    }
}

BOOST_AUTO_TEST_CASE(are_made_of_blocks) {
    message each({content_block::image_url("https://i", "low"), content_block::image_file("f", "high")});
    each.add(content_block::text("a")).add(content_block::text("b"));
    BOOST_REQUIRE(each.content.size() == 4u);
    BOOST_TEST((each.content[0].type == content_block::kind::image_url));
    BOOST_TEST(each.content[0].value == "https://i");
    BOOST_TEST(each.content[0].detail == "low");
    BOOST_TEST((each.content[1].type == content_block::kind::image_file));
    BOOST_TEST(each.content[1].value == "f");
    BOOST_TEST(each.content[1].detail == "high");
    BOOST_TEST(each.content[3].value == "b");
    const message chained = message("x").add(content_block::text("y"));
    BOOST_TEST(chained.content.size() == 2u);
}

BOOST_AUTO_TEST_CASE(bring_attachments) {
    const attachment uploaded("f", {"file_search"});
    BOOST_TEST(uploaded.file_id == "f");
    BOOST_TEST(uploaded.tools.size() == 1u);
    BOOST_TEST(!uploaded.data_source.has_value());
    const attachment stored(vector_store_data_source("azureml://a", "uri_asset"), {"code_interpreter"});
    BOOST_TEST(stored.file_id == "");
    BOOST_TEST(stored.data_source.value().uri == "azureml://a");
    BOOST_TEST(stored.data_source->type == "uri_asset");
    BOOST_TEST(stored.tools.at(0) == "code_interpreter");
}

BOOST_AUTO_TEST_SUITE_END()
