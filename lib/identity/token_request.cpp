#include "identity/token_request.hpp"

#include "identity/token_response.hpp"
#include "text/url.hpp"

namespace corun::identity {
namespace {

constexpr std::size_t max_response_bytes = std::size_t{64} << 10;
constexpr std::size_t max_line_bytes = 300;
/// Of a token whose response does not tell when it expires.
constexpr std::chrono::minutes default_lifetime{5};

/// Hosts beside this machine: 169.254.0.0/16 (RFC 3927), and the name that Google gives one of them.
bool is_link_local(std::string_view host) noexcept {
    if (equal_ignoring_case(host, "metadata.google.internal")) return true;
    // No host name ends in a digit: this is an address, or cannot be resolved.
    return host.starts_with("169.254.") && host.find_first_not_of("0123456789.") == host.npos;
}

/// Wipes a text that holds a token at the end of a scope.
class wipe_at_exit {
public:
    explicit wipe_at_exit(std::string& text) noexcept : text_(text) {}
    wipe_at_exit(const wipe_at_exit&) = delete;
    wipe_at_exit& operator=(const wipe_at_exit&) = delete;
    ~wipe_at_exit() { wipe(text_); }

private:
    std::string& text_;
};

/// `expires_on` comes first: a cached response may count `expires_in` from the time it was issued. Nothing if the
/// response tells a time that cannot be read.
std::optional<std::chrono::system_clock::time_point> expiry_of(const source_context& context,
                                                               const token_response& response) {
    if (const auto time = parse_time(response.expires_on)) return time;
    if (const auto time = parse_time(response.expires_on_local, true)) return time;
    if (response.expires_in) return context.now() + std::chrono::seconds(*response.expires_in);
    if (response.expires_on.empty() && response.expires_on_local.empty()) return context.now() + default_lifetime;
    return std::nullopt;
}

}  // namespace

token_request::token_request(std::string name, std::string url, bool link_local) : source(std::move(name)) {
    const auto parts = detail::parse_url(url);
    if (!parts || parts->user_info)
        throw error(errc::credential_failed, source + ": the endpoint " + detail::quote_url(url) +
                                                 " is not an absolute http or https URL, or contains a user name");
    origin = detail::origin_of(*parts);
    const bool is_metadata_service = link_local && is_link_local(parts->host);
    if (!detail::may_carry_credentials(*parts) && !is_metadata_service)
        throw error(errc::credential_failed, source + ": " + origin +
                                                 " is plain http; tokens are sent over https, or over http to this "
                                                 "machine only");
    direct = link_local || parts->loopback;
    http.url = std::move(url);
    http.context.response_is_token = true;
    http.headers.set("Accept", "application/json");
}

void token_request::add_secret(const secret& value) {
    secrets.add(value);
    secrets.add(secret(detail::percent_encoded(value.reveal())));
}

void token_request::set_form(secret body) {
    http.method = "POST";
    http.headers.set("Content-Type", "application/x-www-form-urlencoded");
    http.body = std::move(body);
}

error token_request::failure(std::string_view reason) const {
    return error(errc::credential_failed, source + ": " + origin + ' ' + secrets.redacted(reason));
}

error token_request::rejection(const detail::http_response& response) const {
    std::string reason = "answered HTTP " + std::to_string(response.head.status);
    if (const auto body = decode_token(response.body)) {
        if (!body->error.empty()) reason += ", " + first_line(secrets.redacted(body->error));
        if (!body->error_description.empty()) reason += ": " + first_line(secrets.redacted(body->error_description));
    }
    return failure(reason);
}

form::form() {
    // Growing would leave copies of secrets behind.
    text_.reserve(std::size_t{8} << 10);
}

form& form::add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    text_.append(name).append("=");
    std::string encoded = detail::percent_encoded(value);
    text_.append(encoded);
    wipe(encoded);
    return *this;
}

asio::awaitable<detail::http_response> send(shared_context context, std::shared_ptr<token_request> request,
                                            std::chrono::milliseconds timeout) {
    detail::http_response response;
    detail::call_limits limits;
    limits.max_bytes = max_response_bytes;
    limits.total = timeout.count() > 0 ? timeout : context->options.timeout;
    request->http.connect_timeout = limits.total;
    request->http.context.secrets = request->secrets;
    const auto& transport = request->direct ? context->direct_transport : context->transport;
    std::string problem;
    try {
        response = co_await detail::http_call(transport, context->clock, std::move(request->http), limits);
    } catch (const error& failure) {
        problem = "did not respond: " + failure.code().message();
        if (!failure.details().message.empty()) problem += ": " + failure.details().message;
    }
    if (!problem.empty()) throw request->failure(problem);
    if (response.truncated) {
        wipe(response.body);
        throw request->failure("returned more than " + std::to_string(max_response_bytes) + " bytes");
    }
    co_return response;
}

access_token token_of(const source_context& context, const token_request& request, detail::http_response response) {
    const wipe_at_exit body(response.body);
    if (response.head.status != 200) throw request.rejection(response);
    return token_of(context, request.source + ": " + request.origin, response.body);
}

access_token token_of(const source_context& context, std::string_view source, std::string_view json) {
    const auto failure = [source](std::string_view reason) {
        return error(errc::credential_failed, std::string(source) + ' ' + std::string(reason));
    };
    auto response = decode_token(json);
    if (!response) throw failure("returned something other than JSON");
    if (response->token.empty()) throw failure("returned no token");
    if (!is_header_value(response->token.reveal()))
        throw failure("returned a token with characters that are not allowed in a header");
    if (!response->type.empty() && !equal_ignoring_case(response->type, "Bearer"))
        throw failure("returned a token that is not a bearer token");
    const auto expires_at = expiry_of(context, *response);
    if (!expires_at) throw failure("returned a token with an invalid expiry");
    return access_token(std::move(response->token), *expires_at);
}

std::string first_line(std::string_view text) {
    text = text.substr(0, std::min(text.find_first_of("\r\n"), max_line_bytes));
    // Not in the middle of a character.
    if (text.size() == max_line_bytes)
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80)) text.remove_suffix(1);
    return std::string(text);
}

}  // namespace corun::identity
