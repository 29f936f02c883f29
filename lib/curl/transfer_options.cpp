#include "curl/transfer_options.hpp"

#include "text/url.hpp"

#include <asio/ip/address.hpp>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::curl {
namespace {

error invalid(std::string message) {
    return error(errc::invalid_argument, std::move(message));
}

void check(const options& settings) {
    if (settings.client_certificate_file.empty() && !settings.client_key_file.empty())
        throw invalid("client_key_file is set without client_certificate_file; set both");
    if (settings.unix_socket.empty()) return;
    if (settings.unix_socket.size() >= sizeof(sockaddr_un::sun_path)) throw invalid("the path unix_socket is too long");
    if (settings.proxy && !settings.proxy->empty()) throw invalid("unix_socket and proxy are both set; set one");
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_UNIX_SOCKETS))
        throw invalid("unix_socket: this build of libcurl does not support Unix sockets");
}

bool default_ca_file_exists() noexcept {
    const char* const file = curl_version_info(CURLVERSION_NOW)->cainfo;
    return file && ::access(file, R_OK) == 0;
}

/// One line of `CURLOPT_RESOLVE`.
std::string resolve_line(const std::string& host, const std::vector<std::string>& addresses) {
    const std::string text = "https://" + host;
    const auto url = detail::parse_url(text);
    const bool is_host_with_port = url && !url->port.empty() && url->rest.empty() && !url->user_info &&
                                   url->host.find_first_of("*:") == url->host.npos && !url->host.starts_with('-') &&
                                   !url->host.starts_with('+');
    if (!is_host_with_port) throw invalid("resolve: '" + host + "' is not a host and port, as in 'host:443'");
    if (url->loopback)
        throw invalid("resolve: '" + host + "' is a loopback host and cannot be resolved to other addresses");
    if (addresses.empty()) throw invalid("resolve: '" + host + "' has no addresses");
    std::string line = host + ':';
    for (const std::string& address : addresses) {
        std::error_code code;
        (void)asio::ip::make_address(address, code);
        if (code || address.find('%') != address.npos) throw invalid("resolve: '" + address + "' is not an IP address");
        line.append(line.ends_with(':') ? "" : ",").append(address);
    }
    return line;
}

/// A server may close an idle connection while a request is on its way. Nobody can say whether such a POST was carried
/// out, so it gets a connection that has not been idle. A server that speaks HTTP/2 names the streams that it has not
/// processed (RFC 9113, 8.7).
bool needs_new_connection(const net::request& request, bool shares_http2) {
    if (request.method != "POST" || request.idempotent) return false;
    return !shares_http2;
}

void set_connection(easy_handle& easy, const net::request& request, const transport_state& transport,
                    connection_use use, bool shares_http2, bool needs_new) {
    const bool shared = use != connection_use::exclusive;
    easy.set(CURLOPT_HTTP_VERSION, static_cast<long>(shared ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    // To wait for a connection that turns out to be HTTP/1.1 is to wait for the end of somebody else's response.
    if (shares_http2) easy.set(CURLOPT_PIPEWAIT, 1L);
    if (needs_new) {
        // In whole seconds: less than two of them. Servers keep an idle connection for two at the least.
        if (request.follows_another)
            easy.set(CURLOPT_MAXAGE_CONN, 1L);
        else
            easy.set(CURLOPT_FRESH_CONNECT, 1L);
    }
    easy.set(CURLOPT_TCP_KEEPALIVE, 1L);
    easy.set(CURLOPT_BUFFERSIZE, transport.settings.receive_buffer_bytes);
    easy.set(CURLOPT_UPLOAD_BUFFERSIZE, request.source ? 64L << 10 : 16L << 10);
    // 0 would mean libcurl's own 300 seconds.
    const auto connect_ms = request.connect_timeout.count();
    easy.set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? static_cast<long>(connect_ms) : 24L * 3600 * 1000);
    if (!transport.settings.unix_socket.empty()) easy.set(CURLOPT_UNIX_SOCKET_PATH, transport.settings.unix_socket);
    if (transport.resolve) easy.set(CURLOPT_RESOLVE, transport.resolve.get());
}

void set_certificates(easy_handle& easy, const transport_state& transport) {
    const std::string& file = transport.settings.ca_file;
    if (file.empty() && !transport.has_default_ca_file) return;
    // libcurl keeps the certificates of a file in memory. With a directory beside it, it would parse the file again for
    // each connection: some 140 certificates, tens of milliseconds.
    easy.set<const char*>(CURLOPT_CAPATH, nullptr);
    easy.set<const char*>(CURLOPT_PROXY_CAPATH, nullptr);
    if (file.empty()) return;
    easy.set(CURLOPT_CAINFO, file);
    easy.set(CURLOPT_PROXY_CAINFO, file);
}

void set_tls(easy_handle& easy, const transport_state& transport) {
    const options& settings = transport.settings;
    set_certificates(easy, transport);
    easy.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    easy.set(CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (settings.client_certificate_file.empty()) return;
    easy.set(CURLOPT_SSLCERT, settings.client_certificate_file);
    if (!settings.client_key_file.empty()) easy.set(CURLOPT_SSLKEY, settings.client_key_file);
    if (settings.client_key_passphrase.empty()) return;
    std::string passphrase(settings.client_key_passphrase.reveal());
    easy.set(CURLOPT_KEYPASSWD, passphrase);
    wipe(passphrase);
}

void set_proxy(easy_handle& easy, const options& settings, bool loopback) {
    easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Requests to this machine must not leave it, least of all in clear text.
    if (loopback || !settings.unix_socket.empty())
        easy.set(CURLOPT_PROXY, "");
    else if (settings.proxy)
        easy.set(CURLOPT_PROXY, *settings.proxy);
}

void set_method(easy_handle& easy, const net::request& request, bool is_sent_once) {
    if (request.method != "POST") {
        if (request.method != "GET") easy.set(CURLOPT_CUSTOMREQUEST, request.method);
        return;
    }
    easy.set(CURLOPT_POST, 1L);
    const std::uint64_t size = request.source ? request.source->size() : request.body.size();
    easy.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    // A body that libcurl reads from a function costs a buffer of 16 KiB for as long as the transfer lasts. It needs
    // one only where libcurl might send it twice: on a connection that has been used, or is shared.
    if (is_sent_once && !request.source) easy.set(CURLOPT_POSTFIELDS, request.body.reveal().data());
    // A body over 1 MB would wait a second for a `100 Continue` that services do not send.
    easy.remove_header("Expect");
    // The default is that of a form.
    if (!request.headers.find("Content-Type")) easy.remove_header("Content-Type");
}

}  // namespace

transport_state::transport_state(options transport_options)
    : settings(std::move(transport_options)), has_default_ca_file(default_ca_file_exists()) {
    check(settings);
    for (const auto& [host, addresses] : settings.resolve) append(resolve, resolve_line(host, addresses));
}

connection_use connection_use_of(const net::request& request, const options& settings) noexcept {
    // A source cannot be read again for a stream that the server refuses.
    if (request.source) return connection_use::exclusive;
    if (!request.streams) return connection_use::shared;
    // A paused HTTP/2 stream goes on filling libcurl's window of 32 MB; on HTTP/1.1 TCP holds the sender back.
    return settings.multiplex_streams && !request.unshared ? connection_use::shared_stream : connection_use::exclusive;
}

server_state* transport_state::http2_server(std::string_view origin) noexcept {
    const auto found = servers.find(origin);
    return found != servers.end() && found->second.speaks_http2 ? &found->second : nullptr;
}

void set_options(easy_handle& easy, const net::request& request, const transport_state& transport, connection_use use,
                 bool shares_http2) {
    easy.set(CURLOPT_URL, request.url);
    easy.set(CURLOPT_PROTOCOLS_STR, "http,https");
    easy.set(CURLOPT_NOSIGNAL, 1L);
    // Otherwise dropping a transfer while its host name is being resolved blocks the thread until that completes.
    easy.set(CURLOPT_QUICK_EXIT, 1L);
    easy.set(CURLOPT_FOLLOWLOCATION, 0L);
    // Decodes what the service encodes unasked. To ask for it would hold events back: encoders wait for more to encode.
    easy.set(CURLOPT_ACCEPT_ENCODING, "");
    if (!request.headers.find("Accept-Encoding")) easy.remove_header("Accept-Encoding");
    const auto url = detail::parse_url(request.url);
    const bool needs_new = needs_new_connection(request, shares_http2);
    set_connection(easy, request, transport, use, shares_http2, needs_new);
    set_tls(easy, transport);
    set_proxy(easy, transport.settings, url && url->loopback);
    for (const header& field : request.headers) easy.add_header(field);
    set_method(easy, request, needs_new && use == connection_use::exclusive && !request.follows_another);
    easy.set_headers();
}

}  // namespace corun::curl
