#pragma once
#include <curl/curl.h>

#include <string>
#include <string_view>
#include <system_error>

namespace corun::curl {

/// How libcurl ended a transfer.
struct transfer_end {
    explicit transfer_end(CURLcode code) noexcept : result(code) {}

    CURLcode result;
    std::string_view problem;       ///< The text of `CURLOPT_ERRORBUFFER`.
    std::string_view origin;        ///< Of the request, for messages.
    std::string_view encoding;      ///< `Content-Encoding` of the response; may be empty.
    long proxy_status = 0;          ///< A proxy's response to `CONNECT`, or 407; 0 if there was none.
    bool proxy_tls_failed = false;  ///< The certificate that was not accepted is the proxy's.
    bool refused = false;           ///< The server has refused the HTTP/2 stream without processing the request.
    bool head_complete = false;     ///< The final response's head has been received.
    bool head_too_large = false;    ///< Which is why the transfer was ended.
    int os_errno = 0;               ///< The system's reason for a failure to connect, if known.
    int open_errno = 0;             ///< Why the process can open no more files; 0 if it can.
};

/// The code that the transfer's sink gets; none if the response is complete.
[[nodiscard]] std::error_code error_of(const transfer_end& end) noexcept;

/// A sentence for it, without secrets.
[[nodiscard]] std::string message_of(const transfer_end& end);

}  // namespace corun::curl
