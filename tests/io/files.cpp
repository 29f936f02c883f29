// Files and vector stores, over the emulated service, over raw sockets and in virtual time.
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "emulated.hpp"
#include "loopback_server.hpp"
#include "manual_clock.hpp"
#include "scripted_transport.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::fault;

constexpr std::uint64_t megabyte = std::uint64_t{1} << 20;

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
    /// A file of zeros, which takes no room.
    std::filesystem::path sparse(std::uint64_t size) const {
        const auto name = write("large.bin", {});
        std::filesystem::resize_file(name, size);
        return name;
    }
    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& each : std::filesystem::directory_iterator(path)) found.insert(each.path().filename());
        return found;
    }

    std::filesystem::path path;
};

std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Bytes of every value, line ends and boundaries among them.
std::string binary(std::size_t size) {
    std::string bytes = "\r\n--corun-\r\n\r\n";
    for (std::size_t i = bytes.size(); i < size; ++i) bytes += static_cast<char>(i * 31 + i / 256);
    return bytes.substr(0, size);
}

template <class T>
std::vector<T> all(asio::io_context& io, paged<T> listing) {
    std::vector<T> items;
    while (auto each = await(io, listing.next())) items.push_back(std::move(*each));
    return items;
}

/// A client of a server of which the test decides every byte, and calls under way on it.
struct raw {
    explicit raw(loopback_server::handler serve, client_options options = {})
        : server(io, std::move(serve)),
          client(io.get_executor(), server.url(), credential::bearer("planted-secret-service"),
                 searched(std::move(options))) {}

    template <class T>
    void start(asio::awaitable<T> task) {
        asio::co_spawn(io, std::move(task),
                       asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, T) {
                           ended = true;
                           failure = e;
                       }));
    }
    /// What the call under way fails with.
    std::error_code code() {
        run_until(io, [&] { return ended; });
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::system_error& problem) {
            what = problem.what();
            return problem.code();
        }
        return {};
    }

    asio::io_context io;
    loopback_server server;
    corun::client client;
    std::shared_ptr<raw_connection> peer;  ///< A connection that the test goes on with.
    asio::cancellation_signal cancel;
    bool ended = false;
    std::exception_ptr failure;
    std::string what;
};

const char* const uploaded = R"({"id":"assistant-1","object":"file","bytes":1,"filename":"a","purpose":"assistants"})";

/// Reads a body to its end and throws it away; how much there was of it.
asio::awaitable<std::uint64_t> discard_body(std::shared_ptr<raw_connection> peer, std::uint64_t length) {
    std::uint64_t count = 0;
    while (count < length) {
        const std::string bytes = co_await peer->read_some();
        if (bytes.empty()) break;
        count += bytes.size();
    }
    co_return count;
}

std::uint64_t length_of(const raw_request& request) {
    return std::stoull(request.field("content-length"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(files)

// The emulated service.

BOOST_FIXTURE_TEST_CASE(a_file_is_uploaded_read_listed_downloaded_and_deleted, emulated) {
    const temporary_directory directory;
    const std::string bytes = binary(300'000);
    const file_info from_memory = await(io, client->upload_file(file_upload::from_bytes("prices.txt", bytes)));
    BOOST_TEST(from_memory.id.starts_with("assistant-"));
    BOOST_TEST(from_memory.filename == "prices.txt");
    BOOST_TEST(from_memory.purpose == "assistants");
    BOOST_TEST(from_memory.bytes == 300'000);
    BOOST_TEST(from_memory.status == "processed");
    BOOST_TEST(from_memory.created_at.value() == 1'766'000'000);

    file_upload picture = file_upload::from_file(directory.write("seat.png", bytes));
    picture.purpose = "vision";
    picture.content_type = "image/png";
    const file_info from_disk = await(io, client->upload_file(std::move(picture)));
    BOOST_TEST(from_disk.filename == "seat.png");
    BOOST_TEST(await(io, client->get_file(from_disk.id)).raw == from_disk.raw);

    BOOST_TEST(all(io, client->list_files()).size() == 2u);
    const auto pictures = all(io, client->list_files("vision"));
    BOOST_REQUIRE(pictures.size() == 1u);
    BOOST_TEST(pictures[0].id == from_disk.id);

    for (const std::string& id : {from_memory.id, from_disk.id}) {
        std::string seen;
        BOOST_TEST(await(io, client->download_file(id, [&](std::string_view piece) { seen += piece; })) == 300'000u);
        BOOST_TEST((seen == bytes));
        std::ostringstream out;
        BOOST_TEST(await(io, client->download_file(id, out)) == 300'000u);
        BOOST_TEST((out.str() == bytes));
        const auto path = directory.path / "copy.bin";
        BOOST_TEST(await(io, client->download_file(id, path)) == 300'000u);
        BOOST_TEST((content_of(path) == bytes));
    }
    BOOST_TEST((directory.names() == std::set<std::string>{"copy.bin", "seat.png"}));

    await(io, client->delete_file(from_memory.id));
    BOOST_TEST(failure_of(io, client->get_file(from_memory.id)).code() == errc::not_found);
    BOOST_TEST(all(io, client->list_files()).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_empty_file_goes_both_ways, emulated) {
    const temporary_directory directory;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> progress;
    file_upload what = file_upload::from_file(directory.write("empty.txt", ""));
    what.on_progress = [&](std::uint64_t sent, std::uint64_t total) { progress.emplace_back(sent, total); };
    const file_info file = await(io, client->upload_file(std::move(what)));
    BOOST_TEST(file.bytes == 0);
    BOOST_REQUIRE(progress.size() == 1u);
    BOOST_TEST((progress[0] == std::pair<std::uint64_t, std::uint64_t>(0, 0)));
    BOOST_TEST(await(io, client->download_file(file.id, directory.path / "copy.txt")) == 0u);
    BOOST_TEST((directory.names() == std::set<std::string>{"copy.txt", "empty.txt"}));
}

BOOST_FIXTURE_TEST_CASE(names_of_files_arrive_as_they_are, emulated) {
    for (const char* name :
         {"plain.txt", "a \"quoted\" name.txt", "a\r\nX-Evil: 1\r\n\r\nb.txt", "naïve 文.txt", "x; name=purpose.txt",
          "../../etc/passwd", "a'b&c=d.txt", "back\\slash.txt", "ends with \\", ".hidden", " ", "--boundary--"}) {
        const file_info file = await(io, client->upload_file(file_upload::from_bytes(name, "x")));
        BOOST_TEST(file.filename == name);
        BOOST_TEST(file.purpose == "assistants");
    }
}

BOOST_FIXTURE_TEST_CASE(progress_rises_from_nothing_to_all, emulated) {
    std::vector<std::uint64_t> seen;
    file_upload what = file_upload::from_bytes("large.bin", std::string(2 * megabyte, 'x'));
    what.on_progress = [&](std::uint64_t sent, std::uint64_t total) {
        BOOST_TEST(total == 2 * megabyte);
        seen.push_back(sent);
    };
    (void)await(io, client->upload_file(std::move(what)));
    BOOST_REQUIRE(seen.size() > 2u);
    BOOST_TEST(seen.front() == 0u);
    BOOST_TEST(seen.back() == 2 * megabyte);
    BOOST_TEST((std::adjacent_find(seen.begin(), seen.end(), std::greater_equal<>()) == seen.end()));
}

BOOST_FIXTURE_TEST_CASE(what_the_service_refuses_is_an_error_with_its_words, emulated) {
    service->options().max_file_bytes = 1000;
    const error too_large =
        failure_of(io, client->upload_file(file_upload::from_bytes("a.txt", std::string(1001, 'x'))));
    BOOST_TEST(too_large.code() == errc::bad_request);
    BOOST_TEST(too_large.service_code() == "file_size_exceeded");
    BOOST_TEST(await(io, client->upload_file(file_upload::from_bytes("a.txt", std::string(1000, 'x')))).bytes == 1000);

    file_upload odd = file_upload::from_bytes("a.txt", "x");
    odd.purpose = "assistants_output";
    BOOST_TEST(failure_of(io, client->upload_file(std::move(odd))).service_code() == "invalid_value");
    file_upload hostile = file_upload::from_bytes("a.txt", "x");
    hostile.purpose = "assistants\r\n--x\r\nContent-Disposition: form-data; name=\"file\"";
    BOOST_TEST(failure_of(io, client->upload_file(std::move(hostile))).service_code() == "invalid_value");
    BOOST_TEST(failure_of(io, client->delete_file("assistant-none")).code() == errc::not_found);
    auto listing = client->list_files("everything");
    BOOST_TEST(failure_of(io, listing.next()).code() == errc::bad_request);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_asked_is_refused_before_it_is_sent, emulated) {
    const temporary_directory directory;
    std::string seen;
    const auto sink = [&](std::string_view bytes) { seen += bytes; };
    for (const char* id : {"", ".", ".."}) {
        BOOST_TEST(failure_of(io, [&] { return client->get_file(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return client->delete_file(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return client->download_file(id, sink); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return client->download_file(id, directory.path / "x"); }).code() ==
                   errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return client->get_vector_store(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return client->delete_vector_store(id); }).code() == errc::invalid_argument);
    }
    BOOST_TEST(failure_of(io, [&] {
                   return client->download_file("f", std::function<void(std::string_view)>());
               }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] { return client->download_file("f", std::filesystem::path()); }).code() ==
               errc::invalid_argument);
    BOOST_TEST(failure_of(io, client->upload_file(file_upload::from_bytes("", "x"))).code() == errc::invalid_argument);
    BOOST_TEST((failure_of(io, client->upload_file(file_upload::from_file(directory.path / "none"))).code() ==
                std::errc::no_such_file_or_directory));
    BOOST_TEST((failure_of(io, client->download_file("f", directory.path / "none" / "x")).code() ==
                std::errc::no_such_file_or_directory));
    BOOST_TEST(directory.names().empty());
    BOOST_TEST(service->requests().empty());
}

BOOST_FIXTURE_TEST_CASE(a_download_that_fails_leaves_what_was_there, emulated) {
    const temporary_directory directory;
    const auto path = directory.write("copy.bin", "before");
    const std::string id = service->add_file("chart.png", binary(500'000));
    const auto seen_of = [&](const char* what, errc expected) {
        BOOST_TEST_CONTEXT(what) {
            BOOST_TEST(failure_of(io, client->download_file(id, path)).code() == expected);
            BOOST_TEST(content_of(path) == "before");
            BOOST_TEST((directory.names() == std::set<std::string>{"copy.bin"}));
        }
    };
    service->inject(fault::cut().after_bytes(200'000).on("GET", "/files/*/content"));
    seen_of("cut", errc::connection_lost);
    service->inject(fault::reset().after_bytes(200'000).on("GET", "/files/*/content"));
    seen_of("reset", errc::connection_lost);
    service->inject(fault::cut().on("GET", "/files/*/content"));
    seen_of("cut at once", errc::connection_lost);
    service->inject(fault::drop().on("GET", "/files/*/content"));
    seen_of("dropped", errc::connection_lost);
    service->inject(fault::respond(503, "<html>busy</html>").on("GET", "/files/*/content"));
    seen_of("busy", errc::server_failed);
    BOOST_TEST(await(io, client->download_file(id, path)) == 500'000u);
    BOOST_TEST((content_of(path) == binary(500'000)));
}

BOOST_FIXTURE_TEST_CASE(an_error_never_reaches_the_sink, emulated) {
    bool called = false;
    const auto sink = [&](std::string_view) { called = true; };
    const error missing = failure_of(io, client->download_file("assistant-none", sink));
    BOOST_TEST(missing.code() == errc::not_found);
    BOOST_TEST(missing.service_message().find("assistant-none") != std::string::npos);
    service->options().uploads_downloadable = false;
    const file_info file = await(io, client->upload_file(file_upload::from_bytes("a.txt", "x")));
    BOOST_TEST(failure_of(io, client->download_file(file.id, sink)).code() == errc::bad_request);
    BOOST_TEST(!called);
}

BOOST_FIXTURE_TEST_CASE(a_sink_that_throws_ends_the_download_with_its_exception, emulated) {
    const std::string id = service->add_file("chart.png", binary(3'000'000));
    int calls = 0;
    const auto full = [&](std::string_view) {
        ++calls;
        throw std::runtime_error("the disk is full");
    };
    BOOST_CHECK_EXCEPTION(await(io, client->download_file(id, full)), std::runtime_error,
                          [](const std::runtime_error& e) { return std::string(e.what()) == "the disk is full"; });
    run_ready(io);
    BOOST_TEST(calls == 1);
    std::ostringstream closed;
    closed.setstate(std::ios::badbit);
    BOOST_TEST((failure_of(io, client->download_file(id, closed)).code() == std::errc::io_error));
}

BOOST_FIXTURE_TEST_CASE(a_progress_listener_that_throws_ends_the_upload_with_its_exception, emulated) {
    file_upload what = file_upload::from_bytes("a.bin", std::string(3'000'000, 'x'));
    what.on_progress = [](std::uint64_t, std::uint64_t) { throw std::runtime_error("enough"); };
    BOOST_CHECK_THROW(await(io, client->upload_file(std::move(what))), std::runtime_error);
    run_ready(io);
    BOOST_TEST(all(io, client->list_files()).empty());
}

BOOST_FIXTURE_TEST_CASE(a_sink_may_use_the_client, emulated) {
    const std::string id = service->add_file("chart.png", binary(100'000));
    bool listed = false;
    const auto sink = [&](std::string_view) {
        if (listed) return;
        listed = true;
        auto look = [](corun::client from) -> asio::awaitable<void> { (void)co_await from.get_file("assistant-none"); };
        asio::co_spawn(io, look(*client), [](std::exception_ptr) {});
    };
    BOOST_TEST(await(io, client->download_file(id, sink)) == 100'000u);
}

// Raw sockets: what goes wrong on the way.

BOOST_AUTO_TEST_CASE(a_large_file_is_sent_as_fast_as_it_is_taken_and_not_faster) {
    const temporary_directory directory;
    const std::uint64_t size = 64 * megabyte;
    raw_request request;
    std::uint64_t received = 0;
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        request = co_await peer->read_head();
        test.peer = peer;
    });
    std::uint64_t handed_over = 0;
    file_upload what = file_upload::from_file(directory.sparse(size));
    what.on_progress = [&](std::uint64_t sent, std::uint64_t) { handed_over = sent; };
    test.start(test.client.upload_file(std::move(what)));
    run_until(test.io, [&] { return test.peer && handed_over > 0; });
    run_ready(test.io);
    // What the sockets hold, and no more.
    BOOST_TEST(handed_over < size / 2);
    BOOST_TEST(request.field("content-type").starts_with("multipart/form-data; boundary="));
    BOOST_TEST(request.field("expect") == "");
    BOOST_TEST(request.field("transfer-encoding") == "");
    const auto finish = [&]() -> asio::awaitable<void> {
        received = co_await discard_body(test.peer, length_of(request));
        co_await test.peer->write(whole_response(200, "application/json", uploaded));
    };
    await(test.io, finish());
    BOOST_TEST(!test.code());
    BOOST_TEST(handed_over == size);
    BOOST_TEST(received == length_of(request));
}

BOOST_AUTO_TEST_CASE(an_upload_is_never_sent_twice) {
    enum class end { reset, close, close_before_body, answer_half };
    for (const end how : {end::reset, end::close, end::close_before_body, end::answer_half}) {
        raw test([&, how](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
            const end e = how;
            (void)co_await peer->read_head();
            if (e != end::close_before_body) (void)co_await peer->read_some();
            if (e == end::answer_half) co_await peer->write("HTTP/1.1 200 OK\r\nContent-Le");
            if (e == end::reset)
                peer->reset();
            else
                peer->close();
        });
        test.start(test.client.upload_file(file_upload::from_bytes("a.bin", std::string(8 * megabyte, 'x'))));
        BOOST_TEST(test.code() == errc::connection_lost);
        run_ready(test.io);
        BOOST_TEST(test.server.connections() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(an_upload_takes_no_kept_connection_that_may_be_dead) {
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        raw_request request = co_await peer->read();
        while (!request.head.empty()) {
            co_await peer->write(whole_response(200, "application/json", uploaded));
            request = co_await peer->read();
        }
    });
    for (int i = 0; i != 3; ++i) (void)await(test.io, test.client.get_file("assistant-1"));
    BOOST_TEST(test.server.connections() == 1u);
    (void)await(test.io, test.client.upload_file(file_upload::from_bytes("a.txt", "x")));
    BOOST_TEST(test.server.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(an_upload_that_is_refused_midway_stops_and_says_why) {
    std::uint64_t received = 0;
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        (void)co_await peer->read_head();
        received += (co_await peer->read_some()).size();
        co_await peer->write(whole_response(
            413, "application/json",
            R"({"error":{"code":"file_size_exceeded","message":"too large for Bearer planted-secret-service"}})"));
        // Reading on until the client has gone, so that no RST overtakes the answer.
        std::string rest = co_await peer->read_some();
        while (!rest.empty()) {
            received += rest.size();
            rest = co_await peer->read_some();
        }
    });
    test.start(test.client.upload_file(file_upload::from_bytes("a.bin", std::string(64 * megabyte, 'x'))));
    BOOST_TEST(test.code() == errc::bad_request);
    BOOST_TEST(test.what.find("file_size_exceeded") != std::string::npos);
    BOOST_TEST(test.what.find("planted-secret-service") == std::string::npos);
    BOOST_TEST(received < 64 * megabyte);
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_while_it_is_sent_ends_the_upload) {
    const temporary_directory directory;
    const auto path = directory.sparse(64 * megabyte);
    raw_request request;
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        request = co_await peer->read_head();
        test.peer = peer;
    });
    bool begun = false;
    file_upload what = file_upload::from_file(path);
    what.on_progress = [&](std::uint64_t sent, std::uint64_t) { begun = sent > 0; };
    test.start(test.client.upload_file(std::move(what)));
    run_until(test.io, [&] { return begun && test.peer; });
    std::filesystem::resize_file(path, 1);
    const std::uint64_t received = await(test.io, discard_body(test.peer, length_of(request)));
    BOOST_TEST((test.code() == std::errc::io_error));
    BOOST_TEST(test.what.find("large.bin") != std::string::npos);
    BOOST_TEST(received < length_of(request));
}

BOOST_AUTO_TEST_CASE(a_cancelled_upload_closes_its_connection) {
    bool gone = false;
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        (void)co_await peer->read_head();
        test.peer = peer;
    });
    test.start(test.client.upload_file(file_upload::from_bytes("a.bin", std::string(64 * megabyte, 'x'))));
    run_until(test.io, [&] { return test.peer != nullptr; });
    test.cancel.emit(asio::cancellation_type::terminal);
    BOOST_TEST(test.code() == asio::error::operation_aborted);
    gone = await(test.io, discard_body(test.peer, 64 * megabyte)) < 64 * megabyte;
    BOOST_TEST(gone);
}

BOOST_AUTO_TEST_CASE(an_upload_to_nobody_fails_to_connect) {
    raw test([](std::shared_ptr<raw_connection>) -> asio::awaitable<void> { co_return; });
    test.server.stop();
    test.start(test.client.upload_file(file_upload::from_bytes("a.txt", "x")));
    BOOST_TEST(test.code() == errc::connect_failed);
}

BOOST_AUTO_TEST_CASE(a_download_that_breaks_off_is_never_a_short_success) {
    struct example {
        const char *what, *head, *body;
        errc expected;
        std::size_t delivered;
    };
    const example examples[] = {
        {"short of its length", "Content-Length: 10\r\n\r\n", "12345", errc::connection_lost, 5},
        {"nothing of its length", "Content-Length: 10\r\n\r\n", "", errc::connection_lost, 0},
        {"no last chunk", "Transfer-Encoding: chunked\r\n\r\n", "5\r\n12345\r\n", errc::connection_lost, 5},
        {"half a chunk", "Transfer-Encoding: chunked\r\n\r\n", "a\r\n12345", errc::connection_lost, 5},
        {"no chunk", "Transfer-Encoding: chunked\r\n\r\n", "", errc::connection_lost, 0},
        {"an end that cannot be told from a cut", "\r\n", "12345", errc::bad_response, 0},
        {"an end that cannot be told from a cut, without a body", "\r\n", "", errc::bad_response, 0},
        {"half a head", "Content-Le", "", errc::connection_lost, 0},
    };
    for (const example& each : examples) {
        BOOST_TEST_CONTEXT(each.what) {
            raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
                (void)co_await peer->read();
                co_await peer->write(response_head(200, "application/octet-stream", each.head) + each.body);
                peer->close();
            });
            std::string seen;
            test.start(test.client.download_file("f", [&](std::string_view bytes) { seen += bytes; }));
            BOOST_TEST(test.code() == each.expected);
            BOOST_TEST(seen.size() == each.delivered);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_download_of_any_type_and_framing_is_whole) {
    struct example {
        const char *type, *head, *body, *expected;
    };
    const example examples[] = {
        {"application/json", "Content-Length: 2\r\n\r\n", "{}", "{}"},
        {"text/html", "Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
        {"application/octet-stream", "Content-Length: 0\r\n\r\n", "", ""},
    };
    for (const example& each : examples) {
        std::string target, accept;
        raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
            const raw_request request = co_await peer->read();
            target = request.target();
            accept = request.field("accept");
            co_await peer->write(response_head(200, each.type, each.head) + each.body);
        });
        std::string seen;
        test.start(test.client.download_file("a/b c", [&](std::string_view bytes) { seen += bytes; }));
        BOOST_TEST(!test.code());
        BOOST_TEST(seen == each.expected);
        BOOST_TEST(target == "/files/a%2Fb%20c/content?api-version=v1");
        BOOST_TEST(accept == "application/octet-stream");
    }
}

BOOST_AUTO_TEST_CASE(a_large_download_waits_in_memory_no_more_than_it_may) {
    const std::uint64_t size = 64 * megabyte;
    client_options options;
    options.high_water_bytes = 100'000;
    raw test(
        [&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
            (void)co_await peer->read();
            co_await peer->write(
                response_head(200, "application/octet-stream", "Content-Length: " + std::to_string(size) + "\r\n\r\n"));
            const std::string piece(megabyte, 'x');
            for (std::uint64_t sent = 0; sent < size; sent += piece.size())
                if (!co_await peer->write(piece)) break;
        },
        options);
    std::size_t largest = 0;
    std::uint64_t seen = 0;
    test.start(test.client.download_file("f", [&](std::string_view bytes) {
        largest = std::max(largest, bytes.size());
        seen += bytes.size();
    }));
    BOOST_TEST(!test.code());
    BOOST_TEST(seen == size);
    BOOST_TEST(largest <= 100'000u + (64u << 10));
}

BOOST_AUTO_TEST_CASE(a_cancelled_download_closes_its_connection_and_leaves_nothing) {
    bool half_sent = false, gone = false;
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        (void)co_await peer->read();
        co_await peer->write(response_head(200, "application/octet-stream", "Content-Length: 10\r\n\r\n") + "12345");
        half_sent = true;
        co_await peer->wait_for_peer();
        gone = true;
    });
    const temporary_directory directory;
    test.start(test.client.download_file("f", directory.path / "x"));
    run_until(test.io, [&] { return half_sent; });
    run_ready(test.io);
    const auto names = directory.names();
    BOOST_REQUIRE(names.size() == 1u);
    BOOST_TEST(names.begin()->starts_with("x."));
    BOOST_TEST(names.begin()->ends_with(".part"));
    test.cancel.emit(asio::cancellation_type::terminal);
    BOOST_TEST(test.code() == asio::error::operation_aborted);
    run_until(test.io, [&] { return gone; });
    BOOST_TEST(directory.names().empty());
}

BOOST_AUTO_TEST_CASE(two_downloads_to_one_path_at_a_time_do_not_mix) {
    const temporary_directory directory;
    const auto path = directory.path / "x";
    raw test([&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        const bool slow = (co_await peer->read()).target().starts_with("/files/slow/");
        const std::string head = response_head(200, "application/octet-stream", "Content-Length: 10\r\n\r\n");
        co_await peer->write(head + (slow ? "slow " : "fast fast "));
        if (slow) test.peer = peer;
    });
    test.start(test.client.download_file("slow", path));
    run_until(test.io, [&] { return test.peer != nullptr; });
    BOOST_TEST(await(test.io, test.client.download_file("fast", path)) == 10u);
    BOOST_TEST(content_of(path) == "fast fast ");
    BOOST_TEST(directory.names().size() == 2u);
    BOOST_TEST(await(test.io, test.peer->write("slow ")));
    BOOST_TEST(!test.code());
    BOOST_TEST(content_of(path) == "slow slow ");
    BOOST_TEST((directory.names() == std::set<std::string>{"x"}));
}

BOOST_FIXTURE_TEST_CASE(a_download_writes_to_no_file_but_its_own, emulated) {
    const temporary_directory directory;
    const auto mine = directory.write("mine.txt", "mine");
    std::filesystem::create_symlink(mine, directory.path / "x.part");
    const std::string id = service->add_file("chart.png", "chart");
    BOOST_TEST(await(io, client->download_file(id, directory.path / "x")) == 5u);
    BOOST_TEST(content_of(directory.path / "x") == "chart");
    BOOST_TEST(content_of(mine) == "mine");
    BOOST_TEST(std::filesystem::is_symlink(directory.path / "x.part"));
    // As any file that this process creates.
    BOOST_TEST(
        (std::filesystem::status(directory.path / "x").permissions() == std::filesystem::status(mine).permissions()));
}

// Vector stores.

BOOST_FIXTURE_TEST_CASE(a_vector_store_is_created_read_changed_listed_and_deleted, emulated) {
    vector_store_definition definition;
    definition.name = "prices";
    definition.expires_after_days = 7;
    definition.metadata["team"] = "travel";
    vector_store made = await(io, client->create_vector_store(definition));
    BOOST_TEST(made.id().starts_with("vs_"));
    BOOST_TEST(made.info().status == "completed");
    BOOST_TEST(made.info().file_counts.total == 0);
    BOOST_TEST(made.info().expires_at.value() == made.info().last_active_at.value() + 7 * 24 * 3600);

    vector_store read = await(io, client->get_vector_store(made.id()));
    BOOST_TEST(read.info().name == "prices");
    BOOST_TEST(read.info().expires_after_days.value() == 7);
    BOOST_TEST(read.info().metadata.at("team") == "travel");

    vector_store_definition changes;
    changes.name = "all prices";
    await(io, read.update(changes));
    BOOST_TEST(read.info().name == "all prices");
    BOOST_TEST(read.info().expires_after_days.value() == 7);
    await(io, made.refresh());
    BOOST_TEST(made.info().name == "all prices");
    changes.file_ids.push_back("f");
    BOOST_TEST(failure_of(io, [&] { return read.update(changes); }).code() == errc::invalid_argument);

    for (int i = 0; i != 4; ++i) (void)await(io, client->create_vector_store());
    list_options options;
    options.page_size = 2;
    options.oldest_first = true;
    const auto listed = all(io, client->list_vector_stores(options));
    BOOST_REQUIRE(listed.size() == 5u);
    BOOST_TEST(listed[0].id() == made.id());
    BOOST_TEST(listed[0].info().name == "all prices");

    await(io, client->delete_vector_store(listed[4].id()));
    await(io, made.remove());
    BOOST_TEST(failure_of(io, client->get_vector_store(made.id())).code() == errc::not_found);
    BOOST_TEST(all(io, client->list_vector_stores()).size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(files_go_into_a_vector_store_and_out_of_it, emulated) {
    std::vector<std::string> ids;
    for (const char* name : {"a.txt", "b.md", "c.exe"})
        ids.push_back(await(io, client->upload_file(file_upload::from_bytes(name, "text of a file"))).id);
    vector_store_definition definition;
    definition.file_ids.push_back(ids[0]);
    definition.chunking.emplace(200, 100);
    service->options().ingestion_reads = 1;
    vector_store store = await(io, client->create_vector_store(definition));
    BOOST_TEST(store.info().status == "in_progress");
    BOOST_TEST(store.info().file_counts.in_progress == 1);
    await(io, store.refresh());
    BOOST_TEST(store.info().status == "in_progress");
    await(io, store.refresh());
    BOOST_TEST(store.info().status == "completed");
    BOOST_TEST(store.info().file_counts.completed == 1);
    BOOST_TEST(store.info().usage_bytes == 14);

    service->options().ingestion_reads = 0;
    const vector_store_file added = await(io, store.add_file(ids[1]));
    BOOST_TEST(added.id == ids[1]);
    BOOST_TEST(added.vector_store_id == store.id());
    BOOST_TEST(added.status == "in_progress");
    BOOST_TEST(await(io, store.get_file(ids[1])).status == "completed");
    BOOST_TEST(await(io, store.get_file(ids[0])).chunking.value().max_chunk_size_tokens == 200);
    const vector_store_file odd = await(io, store.add_file(ids[2], static_chunking(300, 0)));
    BOOST_TEST(odd.chunking.value().max_chunk_size_tokens == 300);
    const vector_store_file failed = await(io, store.wait_for_file(ids[2]));
    BOOST_TEST(failed.status == "failed");
    BOOST_TEST(failed.last_error.value().code == "unsupported_file");

    BOOST_TEST(all(io, store.list_files()).size() == 3u);
    BOOST_TEST(all(io, store.list_files("completed")).size() == 2u);
    const auto broken = all(io, store.list_files("failed"));
    BOOST_REQUIRE(broken.size() == 1u);
    BOOST_TEST(broken[0].id == ids[2]);
    list_options one;
    one.page_size = 1;
    BOOST_TEST(all(io, store.list_files("completed", one)).size() == 2u);
    auto wrong = store.list_files("lost");
    BOOST_TEST(failure_of(io, wrong.next()).code() == errc::bad_request);

    await(io, store.remove_file(ids[2]));
    BOOST_TEST(failure_of(io, store.get_file(ids[2])).code() == errc::not_found);
    BOOST_TEST(await(io, client->get_file(ids[2])).id == ids[2]);
    await(io, client->delete_file(ids[1]));
    BOOST_TEST(all(io, store.list_files()).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_takes_many_files_in_at_once, emulated) {
    std::vector<std::string> ids;
    for (int i = 0; i != 5; ++i)
        ids.push_back(await(io, client->upload_file(file_upload::from_bytes(std::to_string(i) + ".txt", "x"))).id);
    vector_store store = await(io, client->create_vector_store());
    const vector_store_batch batch = await(io, store.add_files(ids, static_chunking(100, 50)));
    BOOST_TEST(batch.vector_store_id == store.id());
    BOOST_TEST(batch.status == "in_progress");
    BOOST_TEST(batch.file_counts.total == 5);
    const vector_store_batch done = await(io, store.wait_for_batch(batch.id));
    BOOST_TEST(done.status == "completed");
    BOOST_TEST(done.file_counts.completed == 5);
    list_options two;
    two.page_size = 2;
    const auto files = all(io, store.list_batch_files(batch.id, "completed", two));
    BOOST_TEST(files.size() == 5u);
    BOOST_TEST(files[0].chunking.value().chunk_overlap_tokens == 50);
    BOOST_TEST(failure_of(io, store.cancel_batch(batch.id)).code() == errc::bad_request);

    std::vector<vector_store_data_source> sources;
    sources.emplace_back("azureml://datastores/x/paths/report.pdf", "uri_asset");
    const vector_store_batch assets = await(io, store.add_data_sources(sources));
    BOOST_TEST(await(io, store.wait_for_batch(assets.id)).file_counts.completed == 1);
    BOOST_TEST(await(io, store.wait()).file_counts.total == 6);

    service->options().ingestion_reads = emulator::fault::always;
    const vector_store_batch slow = await(io, store.add_files(ids));
    const vector_store_batch cancelled = await(io, store.cancel_batch(slow.id));
    BOOST_TEST(cancelled.status == "cancelled");
    BOOST_TEST(cancelled.file_counts.cancelled == 5);
    BOOST_TEST(await(io, store.get_batch(slow.id)).status == "cancelled");
}

BOOST_FIXTURE_TEST_CASE(a_vector_store_that_expires_takes_no_more, emulated) {
    const std::string file = await(io, client->upload_file(file_upload::from_bytes("a.txt", "x"))).id;
    vector_store_definition definition;
    definition.expires_after_days = 1;
    vector_store store = await(io, client->create_vector_store(definition));
    *moved += 24h;
    BOOST_TEST(await(io, store.wait()).status == "expired");
    BOOST_TEST(failure_of(io, store.add_file(file)).code() == errc::bad_request);
}

BOOST_FIXTURE_TEST_CASE(bad_input_to_vector_stores_is_refused, emulated) {
    vector_store store = await(io, client->create_vector_store());
    service->forget_requests();
    for (const char* id : {"", ".."}) {
        BOOST_TEST(failure_of(io, [&] { return store.get_file(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return store.remove_file(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return store.get_batch(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return store.cancel_batch(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return store.wait_for_file(id); }).code() == errc::invalid_argument);
        BOOST_TEST(failure_of(io, [&] { return store.wait_for_batch(id); }).code() == errc::invalid_argument);
    }
    BOOST_TEST(failure_of(io, [&] { return store.add_file(""); }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] { return store.add_files(std::vector<std::string>()); }).code() ==
               errc::invalid_argument);
    vector_store empty;
    BOOST_TEST(empty.id().empty());
    BOOST_CHECK_THROW((void)empty.refresh(), error);
    BOOST_CHECK_THROW((void)empty.list_files(), error);
    BOOST_TEST(service->requests().empty());

    BOOST_TEST(failure_of(io, store.add_file("assistant-none")).code() == errc::not_found);
    service->forget_requests();
    const static_chunking overlapping(200, 101);
    vector_store_definition wrong;
    wrong.chunking = overlapping;
    BOOST_TEST(failure_of(io, [&] { return client->create_vector_store(wrong); }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] { return store.add_file("f", overlapping); }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] {
                   return store.add_files({"a", "b"}, overlapping);
               }).code() == errc::invalid_argument);
    wrong.chunking.reset();
    wrong.expires_after_days = 366;
    BOOST_TEST(failure_of(io, [&] { return store.update(wrong); }).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().empty());
}

// Waiting, in virtual time.

namespace {

/// A vector store at a service that the test plays.
struct played {
    ~played() { clock->shut_down(); }

    vector_store store() { return detail::handle_access::make<vector_store>(owner, R"({"id":"vs_1"})"); }

    void start(std::chrono::milliseconds timeout = 0ms) {
        asio::co_spawn(io, store().wait(timeout),
                       asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, vector_store_info i) {
                           ended = true;
                           failure = e;
                           info = std::move(i);
                       }));
    }
    /// Answers the look that is under way, or comes next.
    void answer(std::string status, int http_status = 200, std::string retry_after = {}) {
        run_until(io, [&] { return transport->current() != nullptr; });
        net::response_head head;
        head.status = http_status;
        head.fields.emplace_back("Content-Type", "application/json");
        if (!retry_after.empty()) head.fields.emplace_back("Retry-After", retry_after);
        transport->current()->head(std::move(head));
        transport->current()->bytes(R"({"id":"vs_1","status":")" + status + R"(","error":{"message":"busy"}})");
        transport->current()->done();
        run_ready(io);
    }
    /// How long it takes to the next look; gives up after an hour.
    std::chrono::milliseconds time_to_next_look() {
        std::chrono::milliseconds passed{0};
        while (!transport->current() && !ended && passed < 1h) {
            clock->advance(100ms);
            passed += 100ms;
            run_ready(io);
        }
        return passed;
    }
    std::error_code code() {
        run_until(io, [&] { return ended; });
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::system_error& problem) {
            what = problem.what();
            return problem.code();
        }
        return {};
    }

    /// Each look is one request, so that a test says what it meets.
    static client_options single_tries() {
        client_options options;
        options.retry.max_retries = 0;
        return options;
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> owner =
        detail::make_api_client(io.get_executor(), "https://service.example/api/projects/p",
                                credential::bearer("planted-secret-service"), single_tries(), transport, clock);
    asio::cancellation_signal cancel;
    bool ended = false;
    std::exception_ptr failure;
    vector_store_info info;
    std::string what;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(waiting_looks_ever_more_rarely, played) {
    start();
    answer("in_progress");
    for (const auto expected : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 8000ms, 8000ms}) {
        BOOST_TEST((time_to_next_look() == expected));
        // A status that nobody knows yet is no end.
        answer(expected == 2000ms ? "shredding" : "in_progress");
    }
    BOOST_TEST((time_to_next_look() == 8000ms));
    answer("completed");
    BOOST_TEST(!code());
    BOOST_TEST(info.status == "completed");
    BOOST_TEST(transport->starts == 9);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(waiting_has_an_end, played) {
    start(10s);
    int looks = 1;
    answer("in_progress");
    for (const auto expected : {500ms, 1000ms, 2000ms, 4000ms}) {
        BOOST_TEST((time_to_next_look() == expected));
        answer("in_progress");
        ++looks;
    }
    BOOST_TEST((time_to_next_look() == 2500ms));
    BOOST_TEST(code() == errc::total_timeout);
    BOOST_TEST(what.find("vs_1 is still 'in_progress'") != std::string::npos);
    BOOST_TEST(transport->starts == looks);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(waiting_has_an_end_while_a_look_is_under_way, played) {
    start(10s);
    run_until(io, [&] { return transport->current() != nullptr; });
    clock->advance(9'999ms);
    run_ready(io);
    BOOST_TEST(!ended);
    clock->advance(1ms);
    run_ready(io);
    BOOST_TEST(ended);
    BOOST_TEST(code() == errc::total_timeout);
    BOOST_TEST(what.find("vs_1 could not be read in time") != std::string::npos);
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(waiting_that_ends_names_the_last_failure, played) {
    start(1s);
    answer("in_progress");
    BOOST_TEST((time_to_next_look() == 500ms));
    answer("", 503);
    BOOST_TEST((time_to_next_look() == 500ms));
    BOOST_TEST(code() == errc::total_timeout);
    BOOST_TEST(what.find("vs_1 is still 'in_progress'; the last poll failed: ") != std::string::npos);
    BOOST_TEST(what.find("busy") != std::string::npos);
    BOOST_TEST(transport->starts == 2);
}

BOOST_FIXTURE_TEST_CASE(waiting_does_not_begin_when_its_end_has_passed, played) {
    start(-1ms);
    BOOST_TEST(code() == errc::total_timeout);
    BOOST_TEST(transport->starts == 0);
}

BOOST_AUTO_TEST_CASE(waiting_has_no_end_that_time_cannot_come_to) {
    const auto most = std::chrono::floor<std::chrono::milliseconds>(net::time_point::max().time_since_epoch());
    for (const auto timeout : {most - 1ms, most, most + 1ms, std::chrono::milliseconds::max()}) {
        played test;
        test.start(timeout);
        test.answer("in_progress");
        BOOST_TEST((test.time_to_next_look() == 500ms));
        test.answer("completed");
        BOOST_TEST(!test.code());
        BOOST_TEST(test.info.status == "completed");
    }
}

BOOST_FIXTURE_TEST_CASE(waiting_looks_past_failures_that_pass, played) {
    start();
    answer("in_progress");
    BOOST_TEST((time_to_next_look() == 500ms));
    answer("", 503);
    BOOST_TEST((time_to_next_look() == 1000ms));
    answer("", 429, "30");
    BOOST_TEST((time_to_next_look() == 30s));
    run_until(io, [&] { return transport->current() != nullptr; });
    transport->current()->done(errc::connection_lost);
    run_ready(io);
    BOOST_TEST((time_to_next_look() == 4000ms));
    answer("in_progress");
    for (int i = 0; i != 3; ++i) {
        (void)time_to_next_look();
        answer("", 500);
    }
    BOOST_TEST(!ended);
    (void)time_to_next_look();
    answer("", 500);
    BOOST_TEST(code() == errc::server_failed);
}

BOOST_FIXTURE_TEST_CASE(waiting_ends_with_a_failure_that_stays, played) {
    start();
    answer("", 404);
    BOOST_TEST(code() == errc::not_found);
    BOOST_TEST(what.find("planted-secret-service") == std::string::npos);
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(waiting_can_be_cancelled_between_two_looks, played) {
    start();
    answer("in_progress");
    BOOST_TEST(transport->current() == nullptr);
    cancel.emit(asio::cancellation_type::terminal);
    BOOST_TEST(code() == asio::error::operation_aborted);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
