#include "curl/transfer_error.hpp"

#include "curl/refusal_log.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using curl::error_of;
using curl::message_of;
using curl::transfer_end;

transfer_end end_of(CURLcode result, bool head_complete = false, const char* problem = "") {
    transfer_end end(result);
    end.head_complete = head_complete;
    end.problem = problem;
    end.origin = "https://service.test";
    return end;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_errors)

BOOST_AUTO_TEST_CASE(maps_the_codes_of_libcurl) {
    const struct {
        CURLcode result;
        std::error_code expected;
    } cases[] = {
        {CURLE_COULDNT_CONNECT, errc::connect_failed},
        {CURLE_COULDNT_RESOLVE_HOST, errc::connect_failed},
        {CURLE_COULDNT_RESOLVE_PROXY, errc::connect_failed},
        {CURLE_PROXY, errc::connect_failed},
        {CURLE_INTERFACE_FAILED, errc::connect_failed},
        {CURLE_OPERATION_TIMEDOUT, errc::connect_timeout},
        {CURLE_SSL_CONNECT_ERROR, errc::tls_failed},
        {CURLE_PEER_FAILED_VERIFICATION, errc::tls_failed},
        {CURLE_SSL_CERTPROBLEM, errc::tls_failed},
        {CURLE_SSL_CIPHER, errc::tls_failed},
        {CURLE_SSL_CACERT_BADFILE, errc::tls_failed},
        {CURLE_SSL_ISSUER_ERROR, errc::tls_failed},
        {CURLE_SSL_INVALIDCERTSTATUS, errc::tls_failed},
        {CURLE_SSL_PINNEDPUBKEYNOTMATCH, errc::tls_failed},
        {CURLE_SSL_ENGINE_NOTFOUND, errc::tls_failed},
        {CURLE_SSL_CLIENTCERT, errc::tls_failed},
        {CURLE_USE_SSL_FAILED, errc::tls_failed},
        {CURLE_PARTIAL_FILE, errc::premature_eof},
        {CURLE_OUT_OF_MEMORY, std::make_error_code(std::errc::not_enough_memory)},
        {CURLE_URL_MALFORMAT, errc::invalid_endpoint},
        {CURLE_UNSUPPORTED_PROTOCOL, errc::bad_response},
        {CURLE_WEIRD_SERVER_REPLY, errc::bad_response},
        {CURLE_RECV_ERROR, errc::connection_lost},
        {CURLE_GOT_NOTHING, errc::connection_lost},
        {CURLE_HTTP2_STREAM, errc::connection_lost},
    };
    for (const auto& each : cases) BOOST_TEST(error_of(end_of(each.result)) == each.expected);
}

BOOST_AUTO_TEST_CASE(a_process_that_can_open_no_more_files_says_so) {
    for (const std::errc reason : {std::errc::too_many_files_open, std::errc::too_many_files_open_in_system}) {
        for (const CURLcode result : {CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_SSL_CACERT_BADFILE}) {
            transfer_end end = end_of(result, false, "Couldn't connect to server");
            end.open_errno = static_cast<int>(reason);
            BOOST_TEST((error_of(end) == reason));
            BOOST_TEST(!is_retryable(error_of(end)));
            BOOST_TEST(message_of(end) == "no connection to https://service.test can be made; see `ulimit -n`");
        }
        // The request may have been carried out.
        transfer_end lost = end_of(CURLE_RECV_ERROR);
        lost.open_errno = static_cast<int>(reason);
        BOOST_TEST(error_of(lost) == errc::connection_lost);
    }
}

BOOST_AUTO_TEST_CASE(a_response_is_complete_only_with_its_head) {
    BOOST_TEST(!error_of(end_of(CURLE_OK, true)));
    BOOST_TEST(error_of(end_of(CURLE_OK)) == errc::connection_lost);
    BOOST_TEST(message_of(end_of(CURLE_OK)) == "the server closed it while sending the response's header fields");
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_reset_ends_early_once_its_head_is_complete) {
    BOOST_TEST(error_of(end_of(CURLE_HTTP2_STREAM, true)) == errc::premature_eof);
}

BOOST_AUTO_TEST_CASE(an_encoding_that_cannot_be_decoded_is_named) {
    transfer_end end = end_of(CURLE_BAD_CONTENT_ENCODING, true, "Unrecognized content encoding type");
    end.encoding = "compress";
    BOOST_TEST(error_of(end) == errc::bad_response);
    BOOST_TEST(message_of(end) == "its Content-Encoding compress cannot be decoded");
}

BOOST_AUTO_TEST_CASE(a_head_that_is_too_large_is_a_bad_response) {
    transfer_end end = end_of(CURLE_WRITE_ERROR);
    end.head_too_large = true;
    BOOST_TEST(error_of(end) == errc::bad_response);
    BOOST_TEST(message_of(end) == "the response's header fields are too large");
}

BOOST_AUTO_TEST_CASE(a_proxy_that_refuses_is_a_failed_connection) {
    transfer_end end = end_of(CURLE_RECV_ERROR, false, "CONNECT tunnel failed");
    end.proxy_status = 299;
    BOOST_TEST(error_of(end) == errc::connection_lost);
    BOOST_TEST(message_of(end) == "CONNECT tunnel failed");
    end.proxy_status = 300;
    BOOST_TEST(error_of(end) == errc::connect_failed);
    BOOST_TEST(message_of(end) == "the proxy refused the connection (HTTP 300)");
    end.proxy_status = 407;
    BOOST_TEST(error_of(end) == errc::connect_failed);
    BOOST_TEST(message_of(end) == "the proxy rejected the user and password (HTTP 407); set them in the proxy's URL");
    // The response came through after all.
    transfer_end success = end_of(CURLE_OK, true);
    success.proxy_status = 407;
    BOOST_TEST(!error_of(success));
}

BOOST_AUTO_TEST_CASE(a_refused_stream_is_a_failed_connection) {
    for (const CURLcode result : {CURLE_SEND_FAIL_REWIND, CURLE_HTTP2, CURLE_SEND_ERROR}) {
        transfer_end end = end_of(result);
        BOOST_TEST(error_of(end) == errc::connection_lost);
        end.refused = true;
        BOOST_TEST(error_of(end) == errc::connect_failed);
        BOOST_TEST(message_of(end).find("REFUSED_STREAM") != std::string::npos);
        // The response has begun, so the request was processed.
        end.head_complete = true;
        BOOST_TEST(error_of(end) == errc::connection_lost);
    }
}

BOOST_AUTO_TEST_CASE(the_log_of_libcurl_shows_refused_streams) {
    struct row {
        std::vector<std::string_view> lines;
        std::string_view problem;
        bool refused;
    };
    const std::vector<row> rows{
        {{"Using Stream ID: 1 (easy handle 0x1)\n", "REFUSED_STREAM, retrying a fresh connect\n"}, "", true},
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "Connection died, retrying a fresh connect (retry count: 1)\n"},
         "",
         true},
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "Connection died, retrying a fresh connect (retry count: 1)\n"},
         "Recv failure: reset",
         false},
        // Over HTTP/1.1.
        {{"Connection died, retrying a fresh connect (retry count: 1)\n"}, "", false},
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "recveived GOAWAY, error=0, last_stream=1\n"}, "", true},
        {{"[HTTP/2] [3] OPENED stream for https://service.test/\n", "received GOAWAY, error=0, last_stream=1\n"},
         "",
         true},
        // The stream was, or may have been, processed.
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "received GOAWAY, error=0, last_stream=3\n"}, "", false},
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "received GOAWAY, error=0, last_stream=2147483647\n"}, "", false},
        {{"Using Stream ID: 3 (easy handle 0x1)\n", "received GOAWAY\n"}, "", false},
    };
    for (const row& each : rows) {
        curl::refusal_log log;
        for (const std::string_view line : each.lines) log.add_line(line, each.problem);
        BOOST_TEST(log.refused() == each.refused, each.lines.back());
        log.begin_attempt();
        BOOST_TEST(!log.refused());
    }
}

BOOST_AUTO_TEST_CASE(an_alert_after_the_handshake_is_a_failure_of_tls) {
    const char* alert = "OpenSSL SSL_read: tlsv13 alert certificate required, errno 0";
    for (const CURLcode result : {CURLE_RECV_ERROR, CURLE_SEND_ERROR}) {
        BOOST_TEST(error_of(end_of(result, false, alert)) == errc::tls_failed);
        BOOST_TEST(message_of(end_of(result, false, alert)) ==
                   "TLS with https://service.test failed: " + std::string(alert));
        BOOST_TEST(error_of(end_of(result, true, alert)) == errc::connection_lost);
        BOOST_TEST(error_of(end_of(result, false, "Recv failure: reset")) == errc::connection_lost);
    }
    BOOST_TEST(error_of(end_of(CURLE_GOT_NOTHING, false, alert)) == errc::connection_lost);
}

BOOST_AUTO_TEST_CASE(a_handshake_that_the_network_broke_is_a_failed_connection) {
    for (const char* problem :
         {"OpenSSL SSL_connect: Connection reset by peer in connection to localhost:1 ", "Recv failure: reset",
          "Send failure: Broken pipe", "TLS connect error: unexpected eof while reading"}) {
        BOOST_TEST(error_of(end_of(CURLE_SSL_CONNECT_ERROR, false, problem)) == errc::connect_failed, problem);
        BOOST_TEST(message_of(end_of(CURLE_SSL_CONNECT_ERROR, false, problem)) == problem);
        BOOST_TEST(error_of(end_of(CURLE_SSL_CIPHER, false, problem)) == errc::tls_failed, problem);
    }
    BOOST_TEST(error_of(end_of(CURLE_SSL_CONNECT_ERROR, false, "wrong version number")) == errc::tls_failed);
}

BOOST_AUTO_TEST_CASE(names_whose_certificate_was_not_accepted) {
    transfer_end end = end_of(CURLE_PEER_FAILED_VERIFICATION, false, "self-signed certificate");
    BOOST_TEST(message_of(end) == "TLS with https://service.test failed: self-signed certificate");
    end.proxy_tls_failed = true;
    BOOST_TEST(message_of(end) == "TLS with the proxy failed: self-signed certificate");
}

BOOST_AUTO_TEST_CASE(uses_the_name_of_the_code_where_there_is_no_text) {
    BOOST_TEST(message_of(end_of(CURLE_GOT_NOTHING)) == curl_easy_strerror(CURLE_GOT_NOTHING));
    BOOST_TEST(message_of(end_of(CURLE_GOT_NOTHING, false, "Empty reply")) == "Empty reply");
}

BOOST_AUTO_TEST_CASE(says_once_why_there_is_no_connection) {
    transfer_end refused = end_of(CURLE_COULDNT_CONNECT, false,
                                  "Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server");
    refused.os_errno = static_cast<int>(std::errc::connection_refused);
    refused.origin = "http://127.0.0.1:9";
    BOOST_TEST(error(errc::connect_failed, message_of(refused)).what() ==
               "could not connect: 127.0.0.1 port 9: Connection refused [connect_failed]");
    refused.origin = "https://service.test";
    BOOST_TEST(message_of(refused) == "the proxy 127.0.0.1 port 9: Connection refused");
    refused.origin = "http://[::1]:9";
    refused.problem = "Failed to connect to ::1 port 9: Connection refused";
    BOOST_TEST(message_of(refused) == "::1 port 9: Connection refused");
    refused.os_errno = 0;
    BOOST_TEST(message_of(refused) == "Failed to connect to ::1 port 9: Connection refused");
    BOOST_TEST(message_of(end_of(CURLE_OPERATION_TIMEDOUT, false, "Connection timed out after 10001 milliseconds")) ==
               "https://service.test");
    BOOST_TEST(message_of(end_of(CURLE_PARTIAL_FILE, true, "transfer closed with outstanding read data remaining")) ==
               "the response broke off");
}

BOOST_AUTO_TEST_CASE(hides_a_proxys_url) {
    BOOST_TEST(message_of(end_of(CURLE_COULDNT_CONNECT, false, "Unsupported proxy 'ftp://user:hunter2@host'")) ==
               "the proxy's URL has an unsupported scheme");
}

BOOST_AUTO_TEST_CASE(says_when_a_request_cannot_be_repeated) {
    BOOST_TEST(error_of(end_of(CURLE_SEND_FAIL_REWIND, false, "necessary data rewind was not possible")) ==
               errc::connection_lost);
    BOOST_TEST(message_of(end_of(CURLE_SEND_FAIL_REWIND, false, "necessary data rewind was not possible")) ==
               "it broke while the request was sent");
}

BOOST_AUTO_TEST_SUITE_END()
