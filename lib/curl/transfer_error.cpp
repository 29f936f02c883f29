#include "curl/transfer_error.hpp"

#include <corun/error.hpp>

#include <algorithm>

namespace corun::curl {
namespace {

std::error_code error_of(CURLcode result) noexcept {
    switch (result) {
        case CURLE_OK:
            return {};
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_PROXY:
        case CURLE_INTERFACE_FAILED:
            return errc::connect_failed;
        case CURLE_OPERATION_TIMEDOUT:
            // The only time limit given to libcurl is that of connecting.
            return errc::connect_timeout;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_CLIENTCERT:
        case CURLE_USE_SSL_FAILED:
            return errc::tls_failed;
        case CURLE_PARTIAL_FILE:
            return errc::premature_eof;
        case CURLE_OUT_OF_MEMORY:
            return std::make_error_code(std::errc::not_enough_memory);
        case CURLE_URL_MALFORMAT:
            return errc::invalid_endpoint;
        // The peer answers, but not in HTTP; requests are for http and https URLs only.
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return errc::bad_response;
        default:
            return errc::connection_lost;
    }
}

/// libcurl reports it as any other failure to connect, to resolve a name or to read a certificate.
bool is_out_of_files(const transfer_end& end) noexcept {
    if (end.open_errno == 0 || end.head_complete) return false;
    const std::error_code code = error_of(end.result);
    return code == errc::connect_failed || code == errc::tls_failed;
}

bool is_refused(const transfer_end& end) noexcept {
    return end.refused && !end.head_complete && end.result != CURLE_OK;
}

/// With TLS 1.3 a server rejects the client's certificate, or asks for one, after the handshake.
bool is_rejected_by_alert(const transfer_end& end) noexcept {
    if (end.head_complete || (end.result != CURLE_RECV_ERROR && end.result != CURLE_SEND_ERROR)) return false;
    return end.problem.find(" alert ") != end.problem.npos;
}

/// Neither side rejected the other: the network broke, and another attempt may succeed.
bool is_broken_handshake(const transfer_end& end) noexcept {
    if (end.result != CURLE_SSL_CONNECT_ERROR) return false;
    return end.problem.starts_with("OpenSSL SSL_connect: ") || end.problem.starts_with("Recv failure") ||
           end.problem.starts_with("Send failure") || end.problem.find("unexpected eof") != end.problem.npos;
}

constexpr std::string_view failed_to_connect = "Failed to connect to ";

/// The host and port in libcurl's `Failed to connect to HOST port PORT after N ms: ...`. Another host than that of the
/// request is a proxy, which the user may not know of: it can be in a variable.
std::string refused_address(std::string_view problem, std::string_view origin) {
    problem.remove_prefix(failed_to_connect.size());
    const std::string_view address = problem.substr(0, std::min(problem.find(" after "), problem.find(": ")));
    const bool is_proxy = origin.find(address.substr(0, address.find(" port "))) == origin.npos;
    return (is_proxy ? "the proxy " : "") + std::string(address);
}

}  // namespace

std::error_code error_of(const transfer_end& end) noexcept {
    if (end.head_too_large) return errc::bad_response;
    if (is_out_of_files(end)) return {end.open_errno, std::generic_category()};
    if (end.result != CURLE_OK && end.proxy_status >= 300) return errc::connect_failed;
    // libcurl takes a connection closed within the head for the end of the response.
    if (end.result == CURLE_OK && !end.head_complete) return errc::connection_lost;
    if (is_refused(end)) return errc::connect_failed;
    // The stream was reset, not its connection.
    if (end.result == CURLE_HTTP2_STREAM && end.head_complete) return errc::premature_eof;
    if (is_rejected_by_alert(end)) return errc::tls_failed;
    if (is_broken_handshake(end)) return errc::connect_failed;
    return error_of(end.result);
}

std::string message_of(const transfer_end& end) {
    if (end.head_too_large) return "the response's header fields are too large";
    if (is_out_of_files(end)) return "no connection to " + std::string(end.origin) + " can be made; see `ulimit -n`";
    if (end.result == CURLE_OK) return "the server closed it while sending the response's header fields";
    if (is_refused(end)) return "the server refused the HTTP/2 stream (REFUSED_STREAM) and did not process the request";
    if (end.result == CURLE_SEND_FAIL_REWIND) return "it broke while the request was sent";
    if (end.result == CURLE_BAD_CONTENT_ENCODING)
        return "its Content-Encoding " + std::string(end.encoding) + " cannot be decoded";
    if (end.result == CURLE_PARTIAL_FILE) return "the response broke off";
    if (end.result == CURLE_OPERATION_TIMEDOUT) return std::string(end.origin);
    if (end.proxy_status == 407)
        return "the proxy rejected the user and password (HTTP 407); set them in the proxy's URL";
    if (end.proxy_status >= 300)
        return "the proxy refused the connection (HTTP " + std::to_string(end.proxy_status) + ")";
    // libcurl's text contains the proxy's URL, password and all.
    if (end.problem.starts_with("Unsupported proxy")) return "the proxy's URL has an unsupported scheme";
    if (end.result == CURLE_COULDNT_CONNECT && end.os_errno != 0 && end.problem.starts_with(failed_to_connect))
        return refused_address(end.problem, end.origin) + ": " + std::generic_category().message(end.os_errno);
    std::string text(end.problem.empty() ? curl_easy_strerror(end.result) : end.problem);
    if (error_of(end) != errc::tls_failed) return text;
    return "TLS with " + std::string(end.proxy_tls_failed ? "the proxy" : end.origin) + " failed: " + text;
}

}  // namespace corun::curl
