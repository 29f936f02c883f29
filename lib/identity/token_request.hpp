#pragma once
#include "http/call.hpp"
#include "identity/sources.hpp"
#include "redact/redact.hpp"

#include <string>
#include <string_view>

namespace corun::identity {

/// A request for a token: who asks, for messages, and what must not stand in them.
struct token_request {
    /// Throws `errc::credential_failed` when the URL is none, or is one that secrets must not go to.
    /// `link_local`: it may also be a metadata service beside this machine, over http.
    token_request(std::string asker, std::string url, bool link_local = false);

    void add_secret(const secret& value);
    /// A body of `application/x-www-form-urlencoded`.
    void set_form(secret body);

    /// Errors that begin with who asks, and whom.
    [[nodiscard]] error failure(std::string_view why) const;
    /// What a response says that is not a success.
    [[nodiscard]] error refusal(const detail::http_response& response) const;

    std::string who;
    std::string origin;
    net::request request;
    detail::redactor secrets;
    bool direct = false;
};

/// The fields of a form, percent-encoded.
class form {
public:
    form();
    form& add(std::string_view name, std::string_view value);
    /// What has been added. The form is empty then.
    [[nodiscard]] secret take() { return secret(std::move(text_)); }

private:
    std::string text_;
};

/// Sends it; completes with the response, whatever its status. Fails with `errc::credential_failed`
/// also when the answer is too large or takes too long. `limit` unless 0: instead of the options'.
asio::awaitable<detail::http_response> ask(shared_context with, std::shared_ptr<token_request> what,
                                           std::chrono::milliseconds limit = std::chrono::milliseconds(0));

/// The token of a response of JSON.
access_token token_of(const context& with, const token_request& what, detail::http_response response);
/// The same of a text. `who` begins the message of what is wrong with it.
access_token token_of(const context& with, std::string_view who, std::string_view json);

/// The first line of a text from elsewhere, cut to a bearable length.
std::string first_line(std::string_view text);

}  // namespace corun::identity
