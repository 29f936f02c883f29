// What an upload looks like on the wire, before any wire.
#include "http/multipart_body.hpp"

#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace {

using namespace corun;
using detail::multipart_body;

std::string whole(multipart_body& upload, std::size_t room) {
    std::string bytes, piece(room, '\0');
    while (bytes.size() < upload.size()) {
        const std::size_t size = upload.read(piece.data(), room);
        BOOST_REQUIRE(size > 0 && size <= room);
        bytes.append(piece, 0, size);
    }
    BOOST_TEST(bytes.size() == upload.size());
    return bytes;
}

std::string boundary_of(const multipart_body& upload) {
    const std::string type = upload.content_type();
    return type.substr(type.find('=') + 1);
}

/// A directory that goes with the test.
struct temporary_directory {
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "corun-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path = name;
    }
    ~temporary_directory() { std::filesystem::remove_all(path); }

    std::filesystem::path write(const std::string& name, const std::string& bytes) const {
        std::ofstream(path / name, std::ios::binary) << bytes;
        return path / name;
    }

    std::filesystem::path path;
};

std::error_code code_of(file_upload what) {
    try {
        const multipart_body upload(std::move(what));
    } catch (const error& failure) {
        return failure.code();
    }
    return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(upload)

BOOST_AUTO_TEST_CASE(is_a_form_of_a_purpose_and_a_file) {
    file_upload what = file_upload::from_bytes("a.txt", "Hello");
    what.content_type = "text/plain";
    multipart_body upload(std::move(what));
    BOOST_TEST(upload.content_type().starts_with("multipart/form-data; boundary="));
    const std::string boundary = boundary_of(upload);
    BOOST_TEST(boundary.size() <= 70u);
    BOOST_TEST(whole(upload, 1000) ==
               "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--" +
                   boundary +
                   "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
                   "Content-Type: text/plain\r\n\r\nHello\r\n--" +
                   boundary + "--\r\n");
}

BOOST_AUTO_TEST_CASE(is_the_same_in_pieces_of_any_size_from_memory_and_from_disk) {
    const temporary_directory directory;
    std::string bytes;
    for (int i = 0; i != 70'000; ++i) bytes += static_cast<char>(i * 7 + i / 251);
    for (const std::string& content : {bytes, std::string(), std::string("\r\n--", 4), std::string(1, '\0')}) {
        for (const bool from_disk : {false, true}) {
            for (const std::size_t room : {std::size_t{1}, std::size_t{7}, std::size_t{65'536}}) {
                multipart_body upload(from_disk ? file_upload::from_file(directory.write("x.bin", content))
                                                : file_upload::from_bytes("x.bin", content));
                BOOST_TEST(upload.file_size() == content.size());
                const std::string sent = whole(upload, room);
                BOOST_REQUIRE(sent.size() > upload.head_size() + content.size());
                BOOST_TEST((sent.substr(upload.head_size(), content.size()) == content));
                BOOST_TEST(sent.substr(upload.head_size() + content.size()) ==
                           "\r\n--" + boundary_of(upload) + "--\r\n");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(escapes_names_as_a_browser_does) {
    struct example {
        const char *name, *escaped;
    };
    const example examples[] = {
        {"plain.txt", "plain.txt"},
        {"a\"b.txt", "a%22b.txt"},
        {"a\r\nX-Evil: 1\r\n\r\n.txt", "a%0D%0AX-Evil: 1%0D%0A%0D%0A.txt"},
        {"naïve 文.txt", "naïve 文.txt"},
        {"50%22.txt", "50%22.txt"},
        {"a;name=\"purpose\".txt", "a;name=%22purpose%22.txt"},
        {"back\\slash.txt", "back\\slash.txt"},
    };
    for (const auto& [name, escaped] : examples) {
        multipart_body upload(file_upload::from_bytes(name, "x"));
        const std::string sent = whole(upload, 4096);
        BOOST_TEST(sent.find("; filename=\"" + std::string(escaped) + "\"\r\n") != std::string::npos, name);
        // No line more than the form has.
        BOOST_TEST(std::count(sent.begin(), sent.end(), '\n') == 10);
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_cannot_be_sent) {
    using namespace std::string_literals;
    BOOST_TEST(code_of(file_upload::from_bytes("", "x")) == errc::invalid_argument);
    BOOST_TEST(code_of(file_upload::from_bytes("a\0b"s, "x")) == errc::invalid_argument);
    BOOST_TEST(code_of(file_upload::from_bytes("a\x1b[2J", "x")) == errc::invalid_argument);
    BOOST_TEST(code_of(file_upload::from_bytes("a\xff.txt", "x")) == errc::invalid_argument);
    file_upload upload = file_upload::from_bytes("a.txt", "x");
    upload.purpose = "";
    BOOST_TEST(code_of(upload) == errc::invalid_argument);
    for (const char* type : {"", "text/plain\r\nX-Evil: 1", " text/plain"}) {
        upload = file_upload::from_bytes("a.txt", "x");
        upload.content_type = type;
        BOOST_TEST(code_of(upload) == errc::invalid_argument);
    }
}

BOOST_AUTO_TEST_CASE(draws_another_boundary_each_time) {
    std::set<std::string> boundaries;
    for (int i = 0; i != 50; ++i) boundaries.insert(boundary_of(multipart_body(file_upload::from_bytes("a", "b"))));
    BOOST_TEST(boundaries.size() == 50u);
}

BOOST_AUTO_TEST_CASE(names_the_file_that_cannot_be_opened) {
    const temporary_directory directory;
    BOOST_TEST((code_of(file_upload::from_file(directory.path / "none.txt")) == std::errc::no_such_file_or_directory));
    BOOST_TEST(
        (code_of(file_upload::from_file(directory.path / "none" / "a.txt")) == std::errc::no_such_file_or_directory));
    BOOST_TEST(code_of(file_upload::from_file(directory.path)) == errc::invalid_argument);
    // A pipe without a writer would be waited for.
    BOOST_REQUIRE(::mkfifo((directory.path / "pipe").c_str(), 0600) == 0);
    BOOST_TEST(code_of(file_upload::from_file(directory.path / "pipe")) == errc::invalid_argument);
    try {
        const multipart_body upload(file_upload::from_file(directory.path / "none.txt"));
        BOOST_FAIL("it was opened");
    } catch (const error& failure) {
        BOOST_TEST(std::string(failure.what()).find("none.txt") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_is_an_error_and_of_one_that_grows_what_it_was_is_sent) {
    const temporary_directory directory;
    const auto path = directory.write("a.txt", std::string(1000, 'a'));
    {
        multipart_body upload{file_upload::from_file(path)};
        std::ofstream(path, std::ios::app) << "more";
        BOOST_TEST((whole(upload, 100).substr(upload.head_size(), 1000) == std::string(1000, 'a')));
    }
    std::filesystem::resize_file(path, 1000);
    multipart_body upload{file_upload::from_file(path)};
    std::filesystem::resize_file(path, 300);
    std::string piece(100, '\0');
    std::error_code code;
    std::uint64_t sent = 0;
    try {
        while (sent < upload.size()) sent += upload.read(piece.data(), piece.size());
    } catch (const error& failure) {
        code = failure.code();
    }
    BOOST_TEST((code == std::errc::io_error));
    BOOST_TEST(sent == upload.head_size() + 300);
}

BOOST_AUTO_TEST_SUITE_END()
