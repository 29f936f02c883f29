#include "protocol/threads/file_objects.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace corun;
using namespace corun::codec::threads;

std::string text(const secret& body) {
    return std::string(body.reveal());
}

template <class Call>
std::error_code code_of(Call call) {
    try {
        (void)call();
    } catch (const error& failure) {
        return failure.code();
    }
    return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_files)

BOOST_AUTO_TEST_CASE(writes_a_vector_store) {
    vector_store_definition what;
    BOOST_TEST(text(encode_vector_store(what)) == "{}");
    what.name = "prices \"2026\"";
    what.file_ids.push_back("assistant-1");
    what.data_sources.emplace_back("azureml://x", "uri_asset");
    what.chunking.emplace(800, 400);
    what.expires_after_days = 7;
    what.metadata["k"] = "v";
    BOOST_TEST(
        text(encode_vector_store(what)) ==
        R"({"name":"prices \"2026\"","expires_after":{"anchor":"last_active_at","days":7},"metadata":{"k":"v"},)"
        R"("file_ids":["assistant-1"],"configuration":{"data_sources":[{"uri":"azureml://x","type":"uri_asset"}]},)"
        R"("chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400}}})");
}

BOOST_AUTO_TEST_CASE(writes_changes_and_refuses_what_cannot_change) {
    vector_store_definition what;
    what.name = "n";
    what.expires_after_days = 1;
    BOOST_TEST(text(encode_vector_store_changes(what)) ==
               R"({"name":"n","expires_after":{"anchor":"last_active_at","days":1}})");
    vector_store_definition files = what, sources = what, chunks = what;
    files.file_ids.push_back("f");
    sources.data_sources.emplace_back("u", "id_asset");
    chunks.chunking.emplace(800, 400);
    for (const auto& each : {files, sources, chunks})
        BOOST_TEST(code_of([&] { return encode_vector_store_changes(each); }) == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(writes_files_and_batches) {
    BOOST_TEST(text(encode_vector_store_file("f", {})) == R"({"file_id":"f"})");
    BOOST_TEST(
        text(encode_vector_store_file("f", static_chunking(200, 50))) ==
        R"({"file_id":"f","chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":200,"chunk_overlap_tokens":50}}})");
    std::vector<std::string> ids(1, "a");
    ids.push_back("b");
    BOOST_TEST(text(encode_vector_store_batch(ids, {}, {})) == R"({"file_ids":["a","b"]})");
    std::vector<vector_store_data_source> sources;
    sources.emplace_back("u", "id_asset");
    BOOST_TEST(text(encode_vector_store_batch({}, sources, {})) ==
               R"({"data_sources":[{"uri":"u","type":"id_asset"}]})");
}

BOOST_AUTO_TEST_CASE(refuses_chunking_and_expiry_beyond_their_limits) {
    const auto chunked = [](int size, int overlap) {
        return code_of([&] { return encode_vector_store_file("f", static_chunking(size, overlap)); });
    };
    BOOST_TEST(!chunked(100, 0));
    BOOST_TEST(!chunked(100, 50));
    BOOST_TEST(!chunked(4096, 2048));
    BOOST_TEST(chunked(99, 0) == errc::invalid_argument);
    BOOST_TEST(chunked(4097, 0) == errc::invalid_argument);
    BOOST_TEST(chunked(100, 51) == errc::invalid_argument);
    BOOST_TEST(chunked(101, 51) == errc::invalid_argument);
    BOOST_TEST(chunked(100, -1) == errc::invalid_argument);
    vector_store_definition what;
    what.chunking.emplace(99, 0);
    BOOST_TEST(code_of([&] { return encode_vector_store(what); }) == errc::invalid_argument);
    BOOST_TEST(code_of([&] { return encode_vector_store_batch({}, {}, what.chunking); }) == errc::invalid_argument);

    what.chunking.reset();
    for (const int days : {1, 365}) {
        what.expires_after_days = days;
        BOOST_TEST(!code_of([&] { return encode_vector_store(what); }));
    }
    for (const int days : {-1, 0, 366}) {
        what.expires_after_days = days;
        BOOST_TEST(code_of([&] { return encode_vector_store(what); }) == errc::invalid_argument);
        BOOST_TEST(code_of([&] { return encode_vector_store_changes(what); }) == errc::invalid_argument);
    }
}

BOOST_AUTO_TEST_CASE(refuses_too_much_metadata) {
    vector_store_definition most;
    for (int i = 0; i != 16; ++i) most.metadata["key" + std::to_string(i)] = "v";
    most.metadata["key0"] = std::string(512, 'v');
    BOOST_TEST(!code_of([&] { return encode_vector_store(most); }));
    vector_store_definition too_many = most, long_key, long_value;
    too_many.metadata["one more"] = "v";
    long_key.metadata[std::string(65, 'k')] = "v";
    long_value.metadata["k"] = std::string(513, 'v');
    for (const auto& each : {too_many, long_key, long_value}) {
        BOOST_TEST(code_of([&] { return encode_vector_store(each); }) == errc::invalid_argument);
        BOOST_TEST(code_of([&] { return encode_vector_store_changes(each); }) == errc::invalid_argument);
    }
}

BOOST_AUTO_TEST_CASE(refuses_text_that_is_not_utf8_without_showing_it) {
    vector_store_definition what;
    what.name = "hidden\xff";
    try {
        (void)encode_vector_store(what);
        BOOST_FAIL("it was written");
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        BOOST_TEST(std::string(failure.what()).find("hidden") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(reads_a_file) {
    const std::string json =
        R"({"object":"file","id":"assistant-1","purpose":"assistants","filename":"na\u00efve \"a\".txt","bytes":5000000000,)"
        R"("created_at":1766000000,"status":"error","status_details":"it burnt","later":{"id":"x"}})";
    const file_info file = decode_file(json);
    BOOST_TEST(file.id == "assistant-1");
    BOOST_TEST(file.filename == "naïve \"a\".txt");
    BOOST_TEST(file.purpose == "assistants");
    BOOST_TEST(file.bytes == 5'000'000'000);
    BOOST_TEST(file.created_at.value() == 1766000000);
    BOOST_TEST(file.status == "error");
    BOOST_TEST(file.status_details == "it burnt");
    BOOST_TEST(file.raw == json);
    const file_info least = decode_file(R"({"id":"f","bytes":null,"status":null,"status_details":{}})");
    BOOST_TEST(least.bytes == 0);
    BOOST_TEST(least.status.empty());
    BOOST_TEST(!least.created_at);
}

BOOST_AUTO_TEST_CASE(reads_a_vector_store) {
    const vector_store_info store = decode_vector_store(
        R"({"id":"vs_1","object":"vector_store","created_at":1,"name":"prices","usage_bytes":123456,)"
        R"("file_counts":{"in_progress":1,"completed":2,"failed":3,"cancelled":4,"total":10,"else":9},"status":"shredding",)"
        R"("expires_after":{"anchor":"last_active_at","days":7},"expires_at":604801,"last_active_at":1,"metadata":{"k":"v"}})");
    BOOST_TEST(store.id == "vs_1");
    BOOST_TEST(store.name == "prices");
    BOOST_TEST(store.usage_bytes == 123456);
    BOOST_TEST(store.file_counts.in_progress == 1);
    BOOST_TEST(store.file_counts.completed == 2);
    BOOST_TEST(store.file_counts.failed == 3);
    BOOST_TEST(store.file_counts.cancelled == 4);
    BOOST_TEST(store.file_counts.total == 10);
    BOOST_TEST(store.status == "shredding");
    BOOST_TEST(store.expires_after_days.value() == 7);
    BOOST_TEST(store.expires_at.value() == 604801);
    BOOST_TEST(store.last_active_at.value() == 1);
    BOOST_TEST(store.metadata.at("k") == "v");
    const vector_store_info least = decode_vector_store(
        R"({"id":"vs_2","name":null,"file_counts":null,"expires_after":null,"expires_at":null,"metadata":null})");
    BOOST_TEST(least.name.empty());
    BOOST_TEST(!least.expires_after_days);
    BOOST_TEST(!least.expires_at);
}

BOOST_AUTO_TEST_CASE(reads_a_file_of_a_vector_store_and_a_batch) {
    const vector_store_file file = decode_vector_store_file(
        R"({"id":"f","object":"vector_store.file","usage_bytes":7,"created_at":1,"vector_store_id":"vs_1","status":"failed",)"
        R"("last_error":{"code":"unsupported_file","message":"no"},)"
        R"("chunking_strategy":{"static":{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400},"type":"static"}})");
    BOOST_TEST(file.vector_store_id == "vs_1");
    BOOST_TEST(file.status == "failed");
    BOOST_TEST(file.usage_bytes == 7);
    BOOST_TEST(file.last_error.value().code == "unsupported_file");
    BOOST_TEST(file.last_error.value().message == "no");
    BOOST_TEST(file.chunking.value().max_chunk_size_tokens == 800);
    BOOST_TEST(file.chunking.value().chunk_overlap_tokens == 400);
    for (const char* chunking : {"null", R"({"type":"other"})", R"({"type":"static","static":{}})",
                                 R"({"static":{"max_chunk_size_tokens":-1,"chunk_overlap_tokens":1e30}})"}) {
        const vector_store_file other = decode_vector_store_file(R"({"id":"f","last_error":null,"chunking_strategy":)" +
                                                                 std::string(chunking) + "}");
        BOOST_TEST(!other.chunking);
        BOOST_TEST(!other.last_error);
    }
    const vector_store_batch batch = decode_vector_store_batch(
        R"({"id":"vsfb_1","object":"vector_store.files_batch","created_at":1,"vector_store_id":"vs_1","status":"in_progress","file_counts":{"in_progress":2,"total":2}})");
    BOOST_TEST(batch.id == "vsfb_1");
    BOOST_TEST(batch.vector_store_id == "vs_1");
    BOOST_TEST(batch.status == "in_progress");
    BOOST_TEST(batch.file_counts.in_progress == 2);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_such_an_object) {
    for (const char* json : {"", "[]", "null", "{", R"({"id":5})", R"({"name":"x"})", R"({"id":"x"} x)"}) {
        BOOST_TEST(code_of([&] { return decode_file(json); }) == errc::bad_response);
        BOOST_TEST(code_of([&] { return decode_vector_store(json); }) == errc::bad_response);
        BOOST_TEST(code_of([&] { return decode_vector_store_file(json); }) == errc::bad_response);
        BOOST_TEST(code_of([&] { return decode_vector_store_batch(json); }) == errc::bad_response);
    }
}

BOOST_AUTO_TEST_SUITE_END()
