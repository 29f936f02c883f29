// The emulator's routes for files and vector stores, as any HTTP client sees them.
#include "emulated_http.hpp"
#include "emulator/http/api_error.hpp"
#include "emulator/http/multipart_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;

const std::string form_type = "multipart/form-data; boundary=X";

std::string part(const std::string& disposition, const std::string& content, const std::string& more = {}) {
    return "--X\r\nContent-Disposition: " + disposition + "\r\n" + more + "\r\n" + content + "\r\n";
}
const std::string purpose = part("form-data; name=\"purpose\"", "assistants");
const std::string file = part("form-data; name=\"file\"; filename=\"a.txt\"", "text");
const std::string end = "--X--\r\n";

struct with_files : emulated_http {
    raw_response upload(std::string body, std::string type = form_type) {
        http_request what = request("POST", "/files");
        what.headers.emplace_back("Content-Type", std::move(type));
        what.body = std::move(body);
        return send(std::move(what));
    }
    std::string file_id(const std::string& name = "a.txt") { return service->add_file(name, "text", "assistants"); }
    std::string message_of(const raw_response& response) {
        return json::parse(response.body)["error"]["message"].get<std::string>();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(emulator_files, with_files)

BOOST_AUTO_TEST_CASE(takes_every_form_of_a_form) {
    struct example {
        const char* what;
        std::string type, body;
        const char* filename;
    };
    const std::string picture =
        part("form-data; name=\"file\"; filename=\"p.png\"", "text", "Content-Type: image/png\r\n");
    const example examples[] = {
        {"a plain one", form_type, purpose + file + end, "a.txt"},
        {"the file first", form_type, file + purpose + end, "a.txt"},
        {"a content type", form_type, picture + purpose + end, "p.png"},
        {"an empty line behind it", form_type, file + purpose + end + "\r\n", "a.txt"},
        {"no line end behind it", form_type, file + purpose + "--X--", "a.txt"},
        {"a quoted boundary", "multipart/form-data; charset=utf-8; boundary=\"X\"", file + purpose + end, "a.txt"},
        {"names in any case", "Multipart/Form-Data; Boundary=X",
         purpose + "--X\r\ncontent-disposition: FORM-DATA; name=file; filename=a.txt\r\n\r\ntext\r\n" + end, "a.txt"},
        {"WHATWG's escapes", form_type,
         purpose + part("form-data; name=\"file\"; filename=\"a%22b%0D%0Ac%25.txt\"", "text") + end,
         "a\"b\r\nc%25.txt"},
        {"backslash escapes", form_type,
         purpose + part(R"(form-data; name="file"; filename="a\"b\\c.txt")", "text") + end, "a\"b\\c.txt"},
        {"a backslash at the end", form_type, purpose + part(R"(form-data; name="file"; filename="a\")", "text") + end,
         "a\\"},
    };
    for (const example& each : examples) {
        BOOST_TEST_CONTEXT(each.what) {
            const json made = accepted(upload(each.body, each.type));
            BOOST_TEST(made["filename"] == each.filename);
            BOOST_TEST(made["bytes"] == 4);
            const raw_response content = send("GET", "/files/" + made["id"].get<std::string>() + "/content");
            BOOST_TEST(content.body == "text");
            BOOST_TEST(content.complete);
            BOOST_TEST(content.header("Content-Type") == "application/octet-stream");
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_form) {
    struct example {
        const char* what;
        std::string body;
        const char* message;
    };
    const auto malformed = "We could not parse the multipart body";
    const example examples[] = {
        {"nothing", "", malformed},
        {"something before it", "preamble\r\n" + purpose + file + end, malformed},
        {"another boundary", "--Y\r\n", malformed},
        {"no end", purpose + file, malformed},
        {"no end of a part", "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ntext",
         malformed},
        {"no end of the headers", "--X\r\nContent-Disposition: form-data; name=\"file\"", malformed},
        {"bare line feeds", "--X\nContent-Disposition: form-data; name=\"purpose\"\n\nassistants\n--X--\n", malformed},
        {"something behind the boundary", "--X \r\n", malformed},
        {"something behind it all", purpose + file + end + "more", malformed},
        {"a header without a colon", "--X\r\nContent-Disposition\r\n\r\nx\r\n--X--", malformed},
        {"no name", part("form-data", "x") + end, malformed},
        {"no disposition", "--X\r\n\r\nx\r\n--X--", malformed},
        {"another disposition", part("attachment; name=\"file\"", "x") + end, malformed},
        {"a quote left open", part("form-data; name=\"file", "x") + end, malformed},
        {"two names", part("form-data; name=\"file\"; name=\"purpose\"", "x") + end, malformed},
        {"a control character", part("form-data; name=\"fi\x01le\"", "x") + end, malformed},
        {"headers too long", part("form-data; name=\"file\"", "x", "X-Long: " + std::string(9000, 'x') + "\r\n") + end,
         malformed},
        {"an unknown part", purpose + file + part("form-data; name=\"color\"", "red") + end,
         "Unknown parameter: 'color'."},
        {"two files", purpose + file + file + end, "Duplicate parameter: 'file'."},
        {"two purposes", purpose + purpose + file + end, "Duplicate parameter: 'purpose'."},
        {"no purpose", file + end, "Missing required parameter: 'purpose'."},
        {"no file", purpose + end, "Missing required parameter: 'file'."},
        {"nothing in it", "--X--\r\n", "Missing required parameter: 'file'."},
        {"a file without a name", purpose + part("form-data; name=\"file\"", "text") + end, "Invalid 'file'"},
        {"a name that is not UTF-8", purpose + part("form-data; name=\"file\"; filename=\"a\xff\"", "text") + end,
         "Invalid 'file'"},
        {"a purpose of the service's own", part("form-data; name=\"purpose\"", "assistants_output") + file + end,
         "Invalid value: 'assistants_output'."},
    };
    for (const example& each : examples) {
        BOOST_TEST_CONTEXT(each.what) {
            const raw_response response = upload(each.body);
            BOOST_TEST(response.status == 400);
            BOOST_TEST(message_of(response).starts_with(each.message));
        }
    }
    std::string many;
    for (int i = 0; i != 20; ++i) many += purpose;
    BOOST_TEST(message_of(upload(many + end)).find("too many parts") != std::string::npos);
    BOOST_TEST(upload(purpose + file + end, "application/json").status == 415);
    BOOST_TEST(upload(purpose + file + end, "multipart/form-data").status == 400);
    BOOST_TEST(upload(purpose + file + end, "multipart/form-data; boundary=" + std::string(71, 'x')).status == 400);
    BOOST_TEST(get("/files")["data"].empty());
}

BOOST_AUTO_TEST_CASE(reads_nothing_but_the_body_however_damaged_it_is) {
    const std::string good = purpose + part(R"(form-data; name="file"; filename="a\"%22.txt")", "te\r\n--xt") + end;
    std::size_t taken = 0, refused = 0;
    const auto parse = [&](const std::string& body) {
        // In memory of its own size, so that the address sanitizer sees a byte too far.
        const std::vector<char> exact(body.begin(), body.end());
        const std::string_view view(exact.data(), exact.size());
        try {
            for (const auto& each : emulator::parse_form(form_type, view))
                BOOST_REQUIRE((each.body.data() >= view.data() &&
                               each.body.data() + each.body.size() <= view.data() + view.size()));
            ++taken;
        } catch (const emulator::api_error&) {
            ++refused;
        }
    };
    parse(good);
    BOOST_TEST(taken == 1u);
    for (std::size_t i = 0; i != good.size(); ++i) {
        parse(good.substr(0, i));
        for (const char other : {'\r', '\n', '-', '"', '\\', ';', '=', ':', ' ', '\0', '\xff'}) {
            std::string damaged = good;
            damaged[i] = other;
            parse(damaged);
            damaged = good;
            damaged.insert(i, 1, other);
            parse(damaged);
        }
    }
    BOOST_TEST(taken > 100u);
    BOOST_TEST(refused > 1000u);
}

BOOST_AUTO_TEST_CASE(finds_a_boundary_only_at_the_beginning_of_a_line) {
    const std::string tricky = "--X--\r\n-\r\n--x\r\n \r\n--\r";
    const json made = accepted(upload(purpose + part("form-data; name=\"file\"; filename=\"a.bin\"", tricky) + end));
    BOOST_TEST(send("GET", "/files/" + made["id"].get<std::string>() + "/content").body == tricky);
}

BOOST_AUTO_TEST_CASE(knows_its_query_keys_however_they_are_written) {
    const std::string id = file_id();
    json body;
    body["file_ids"].push_back(id);
    const std::string store = post("/vector_stores", body)["id"];
    const auto with = [&](const std::string& method, const std::string& path, const std::string& query) {
        http_request what(service->endpoint() + path + "?" + query);
        what.method = method;
        what.headers.emplace_back("Authorization", "Bearer " + service->token());
        return send(std::move(what));
    };
    BOOST_TEST(with("GET", "/vector_stores", "api%2Dversion=v1&limit=1&order=asc").status == 200);
    BOOST_TEST(with("GET", "/vector_stores/" + store + "/files", "filter=completed&api%2Dversion=v1").status == 200);
    BOOST_TEST(with("GET", "/vector_stores/" + store + "/files", "filter=lost&api%2Dversion=v1").status == 400);
    BOOST_TEST(with("GET", "/vector_stores", "api%2Dversion=v0").status == 400);
    BOOST_TEST(with("GET", "/vector_stores", "limit=1").status == 400);
    BOOST_TEST(with("DELETE", "/files/" + id, "api%2Dversion=v1").status == 200);
}

BOOST_AUTO_TEST_CASE(refuses_bodies_in_the_services_words) {
    struct example {
        const char *path, *body, *param, *code;
    };
    const std::string store = post("/vector_stores", json::object())["id"];
    const std::string files = "/vector_stores/" + store + "/files",
                      batches = "/vector_stores/" + store + "/file_batches";
    const example examples[] = {
        {"/vector_stores", R"({"color":1})", "color", "unknown_parameter"},
        {"/vector_stores", R"({"name":1})", "name", "invalid_type"},
        {"/vector_stores", R"({"file_ids":[1]})", "file_ids[0]", "invalid_type"},
        {"/vector_stores", R"({"expires_after":{"days":1}})", "expires_after.anchor", "missing_required_parameter"},
        {"/vector_stores", R"({"expires_after":{"anchor":"created_at","days":1}})", "expires_after.anchor",
         "invalid_value"},
        {"/vector_stores", R"({"expires_after":{"anchor":"last_active_at","days":0}})", "expires_after.days",
         "integer_below_min_value"},
        {"/vector_stores", R"({"chunking_strategy":{"type":"dynamic"}})", "chunking_strategy.type", "invalid_value"},
        {"/vector_stores", R"({"chunking_strategy":{"type":"static"}})", "chunking_strategy.static",
         "missing_required_parameter"},
        {"/vector_stores",
         R"({"chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":100,"chunk_overlap_tokens":51}}})",
         "chunking_strategy.static.chunk_overlap_tokens", "invalid_value"},
        {"/vector_stores", R"({"configuration":{"data_sources":[{"uri":"u","type":"blob"}]}})",
         "configuration.data_sources[0].type", "invalid_value"},
        {"STORE", R"({"file_ids":[]})", "file_ids", "unknown_parameter"},
        {"FILES", "{}", "file_id", "missing_required_parameter"},
        {"FILES", R"({"file_id":"a","data_source":{"uri":"u","type":"uri_asset"}})", "file_id",
         "missing_required_parameter"},
        {"BATCHES", "{}", "file_ids", "missing_required_parameter"},
        {"BATCHES", R"({"file_ids":[]})", "file_ids", "missing_required_parameter"},
    };
    for (const example& each : examples) {
        std::string path = each.path;
        if (path == "STORE") path = "/vector_stores/" + store;
        if (path == "FILES") path = files;
        if (path == "BATCHES") path = batches;
        BOOST_TEST_CONTEXT(path << " " << each.body) {
            const raw_response response = send("POST", path, each.body);
            BOOST_TEST(response.status == 400);
            const json said = json::parse(response.body)["error"];
            BOOST_TEST(said["param"] == each.param);
            BOOST_TEST(said["code"] == each.code);
        }
    }
}

BOOST_AUTO_TEST_CASE(knows_what_it_does_not_have) {
    const std::string store = "/vector_stores/" + post("/vector_stores", json::object())["id"].get<std::string>();
    const std::pair<const char*, std::string> unknown[] = {
        {"GET", "/files/none"},
        {"DELETE", "/files/none"},
        {"GET", "/files/none/content"},
        {"GET", "/vector_stores/none"},
        {"POST", "/vector_stores/none"},
        {"DELETE", "/vector_stores/none"},
        {"GET", "/vector_stores/none/files"},
        {"GET", store + "/files/none"},
        {"DELETE", store + "/files/none"},
        {"GET", store + "/file_batches/none"},
        {"POST", store + "/file_batches/none/cancel"},
        {"GET", store + "/file_batches/none/files"},
        {"GET", store + "/files?after=none"},
        {"GET", store + "/else"},
        {"PUT", store},
        {"PUT", "/files"},
        {"POST", "/files/none/content"},
    };
    for (const auto& [method, path] : unknown) BOOST_TEST(send(method, path).status == 404, method << " " << path);
    // Nothing of a list is taken when one is unknown.
    json body;
    body["file_ids"].push_back(file_id());
    body["file_ids"].push_back("none");
    BOOST_TEST(send("POST", store + "/file_batches", body.dump()).status == 404);
    BOOST_TEST(get(store)["file_counts"]["total"] == 0);
    BOOST_TEST(send("POST", "/vector_stores", body.dump()).status == 404);
    BOOST_TEST(get("/vector_stores")["data"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(takes_files_in_after_so_many_reads) {
    for (const std::size_t reads : {0u, 1u, 3u}) {
        service->options().ingestion_reads = reads;
        json body;
        body["file_ids"].push_back(file_id());
        const std::string id = post("/vector_stores", body)["id"];
        for (std::size_t i = 0; i != reads; ++i) BOOST_TEST(get("/vector_stores/" + id)["status"] == "in_progress");
        const json done = get("/vector_stores/" + id);
        BOOST_TEST(done["status"] == "completed");
        BOOST_TEST(done["file_counts"]["completed"] == 1);
        BOOST_TEST(done["usage_bytes"] == 4);
    }
}

BOOST_AUTO_TEST_CASE(cuts_a_download_where_it_is_told) {
    const std::string id = service->add_file("chart.png", std::string(100'000, 'x'));
    service->inject(fault::cut().after_bytes(40'000).on("GET", "/files/*/content"));
    const raw_response cut = send("GET", "/files/" + id + "/content");
    BOOST_TEST(cut.body.size() == 40'000u);
    BOOST_TEST(!cut.complete);
    const raw_response whole = send("GET", "/files/" + id + "/content");
    BOOST_TEST(whole.complete);
    BOOST_TEST(whole.header("Content-Length") == "100000");
}

BOOST_AUTO_TEST_CASE(keeps_of_an_upload_what_a_test_may_want_to_see) {
    (void)upload(purpose + part("form-data; name=\"file\"; filename=\"a.txt\"", std::string(300'000, 'x')) + end);
    BOOST_TEST(service->requests().back().body.size() == 64u * 1024);
    BOOST_TEST(service->requests().back().body.starts_with("--X\r\n"));
    BOOST_TEST(service->requests().back().status == 200);
}

BOOST_AUTO_TEST_SUITE_END()
