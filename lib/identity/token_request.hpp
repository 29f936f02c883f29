#pragma once
#include "http/call.hpp"
#include "identity/source_context.hpp"
#include "redact/redact.hpp"

#include <string>
#include <string_view>

namespace corun::identity {

/// A request for a token, and what its error messages need: the source that it is for, and the secrets to hide.
struct token_request {
    /// Throws `errc::credential_failed` when the URL is malformed, or when secrets must not be sent to it.
    /// `link_local`: metadata services beside this machine are allowed over http.
    token_request(std::string source, std::string url, bool link_local = false);

    void add_secret(const secret& value);
    /// A body of `application/x-www-form-urlencoded`.
    void set_form(secret body);

    /// An error that begins with the source and the origin.
    [[nodiscard]] error failure(std::string_view reason) const;
    /// The error for a response that is not a success.
    [[nodiscard]] error rejection(const detail::http_response& response) const;

    std::string source;
    std::string origin;
    net::request http;
    detail::redactor secrets;
    bool direct = false;  ///< Sent without a proxy.
};

/// The fields of a form, percent-encoded.
class form {
public:
    form();
    form& add(std::string_view name, std::string_view value);
    /// The encoded fields. The form is empty afterwards.
    [[nodiscard]] secret take() { return secret(std::move(text_)); }

private:
    std::string text_;
};

/// Sends the request; completes with the response, whatever its status. Fails with `errc::credential_failed`, also
/// when the response is too large or takes longer than `timeout` (0: that of the options).
asio::awaitable<detail::http_response> send(shared_context context, std::shared_ptr<token_request> request,
                                            std::chrono::milliseconds timeout = std::chrono::milliseconds(0));

/// Reads the token in a JSON response.
access_token token_of(const source_context& context, const token_request& request, detail::http_response response);
/// Reads the token in a JSON text. Error messages begin with `source`.
access_token token_of(const source_context& context, std::string_view source, std::string_view json);

/// The first line of a text from elsewhere, shortened for error messages.
std::string first_line(std::string_view text);

}  // namespace corun::identity
