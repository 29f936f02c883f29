#include <corun/files.hpp>
#include <corun/reconcile.hpp>
#include <corun/submission.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <sstream>

using namespace corun;

BOOST_AUTO_TEST_SUITE(values_to_send)

BOOST_AUTO_TEST_CASE(a_submission_has_an_answer_for_each_call) {
    submission answers;
    BOOST_TEST(answers.empty());
    answers.output("c1", "sunny").approve("c2", header("A", "1")).deny("c3");
    BOOST_REQUIRE(answers.outputs().size() == 1u);
    BOOST_TEST(answers.outputs()[0].tool_call_id == "c1");
    BOOST_TEST(answers.outputs()[0].output == "sunny");
    BOOST_REQUIRE(answers.approvals().size() == 2u);
    BOOST_TEST(answers.approvals()[0].tool_call_id == "c2");
    BOOST_TEST(answers.approvals()[0].approve);
    BOOST_TEST(answers.approvals()[0].headers.size() == 1u);
    BOOST_TEST(answers.approvals()[1].tool_call_id == "c3");
    BOOST_TEST(!answers.approvals()[1].approve);
    BOOST_TEST(!answers.empty());
    BOOST_TEST(!submission().output("c", "").empty());
    BOOST_TEST(!submission().deny("c").empty());
}

BOOST_AUTO_TEST_CASE(a_file_has_its_bytes_or_its_path) {
    const file_upload bytes = file_upload::from_bytes("a.txt", "text");
    BOOST_TEST(bytes.filename == "a.txt");
    BOOST_TEST(bytes.bytes == "text");
    BOOST_TEST(bytes.path.empty());
    const file_upload path = file_upload::from_file("/tmp/dir/b.txt");
    BOOST_TEST(path.filename == "b.txt");
    BOOST_TEST(path.path == "/tmp/dir/b.txt");
    BOOST_TEST(file_upload::from_file(std::filesystem::path("/tmp") / "c.txt").path == "/tmp/c.txt");
    BOOST_TEST(path.bytes == "");
    const static_chunking chunks(800, 400);
    BOOST_TEST(chunks.max_chunk_size_tokens == 800);
    BOOST_TEST(chunks.chunk_overlap_tokens == 400);
}

BOOST_AUTO_TEST_CASE(a_report_prints_its_decisions_and_the_request) {
    reconcile_report report;
    report.add(3, "first");
    report.add(11, "second");
    std::ostringstream lines;
    lines << report;
    BOOST_TEST(lines.str() == "row 3: first\nrow 11: second\n");
    report.set_request("/threads/runs", "{}");
    BOOST_TEST(report.path() == "/threads/runs");
    BOOST_TEST(report.body() == "{}");
    std::ostringstream all;
    all << report;
    BOOST_TEST(all.str() == "row 3: first\nrow 11: second\nPOST /threads/runs\n{}\n");
}

BOOST_AUTO_TEST_SUITE_END()
