#include "identity/token_request.hpp"

#include "identity/token_response.hpp"
#include "text/url.hpp"

namespace corun::identity {
namespace {

constexpr std::size_t largest_answer = std::size_t{64} << 10;
constexpr std::size_t longest_line = 300;
/// Of a token whose time is not told.
constexpr std::chrono::minutes assumed_life{5};

/// Hosts beside this machine: 169.254.0.0/16 (RFC 3927), and the name that Google gives one of them.
bool is_link_local(std::string_view host) noexcept {
    if (equal_ignoring_case(host, "metadata.google.internal")) return true;
    // A name cannot end in a digit, so what begins and ends like an address is one, or cannot be resolved.
    return host.starts_with("169.254.") && host.find_first_not_of("0123456789.") == host.npos;
}

/// Zeroes a text that holds a token when it goes.
class wiped {
public:
    explicit wiped(std::string& text) noexcept : text_(text) {}
    wiped(const wiped&) = delete;
    wiped& operator=(const wiped&) = delete;
    ~wiped() { wipe(text_); }

private:
    std::string& text_;
};

}  // namespace

token_request::token_request(std::string asker, std::string url, bool link_local) : who(std::move(asker)) {
    const auto parts = detail::parse_url(url);
    const auto refuse = [this](std::string why) { return error(errc::credential_failed, who + ": " + std::move(why)); };
    if (!parts || parts->user_info) throw refuse("its endpoint is not an absolute http or https URL");
    origin = detail::origin_of(*parts);
    const bool beside = link_local && is_link_local(parts->host);
    if (!detail::may_carry_credentials(*parts) && !beside)
        throw refuse("tokens go over https, or over http to this machine only, not to " + origin);
    direct = link_local || parts->loopback;
    request.url = std::move(url);
    request.context.response_is_token = true;
    request.headers.set("Accept", "application/json");
}

void token_request::add_secret(const secret& value) {
    secrets.add(value);
    secrets.add(secret(detail::percent_encoded(value.reveal())));
}

void token_request::set_form(secret body) {
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = std::move(body);
}

error token_request::failure(std::string_view why) const {
    return error(errc::credential_failed, who + ": " + origin + ' ' + secrets.redacted(why));
}

error token_request::refusal(const detail::http_response& response) const {
    std::string why = "answered HTTP " + std::to_string(response.head.status);
    if (const auto said = codec::identity::decode_token(response.body)) {
        if (!said->error.empty()) why += ", " + first_line(secrets.redacted(said->error));
        if (!said->error_description.empty()) why += ": " + first_line(secrets.redacted(said->error_description));
    }
    return failure(why);
}

form::form() {
    // Growing would leave copies behind.
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

asio::awaitable<detail::http_response> ask(shared_context with, std::shared_ptr<token_request> what,
                                           std::chrono::milliseconds limit) {
    detail::http_response response;
    detail::call_limits limits;
    limits.max_bytes = largest_answer;
    limits.total = limit.count() > 0 ? limit : with->options.timeout;
    what->request.connect_timeout = limits.total;
    what->request.context.secrets = what->secrets;
    std::string problem;
    try {
        const auto& way = what->direct ? with->direct : with->transport;
        response = co_await detail::http_call(way, with->clock, std::move(what->request), limits);
    } catch (const error& failure) {
        problem = "did not answer: " + failure.code().message();
        if (!failure.details().message.empty()) problem += ": " + failure.details().message;
    }
    if (!problem.empty()) throw what->failure(problem);
    if (response.truncated) {
        wipe(response.body);
        throw what->failure("answered with more than " + std::to_string(largest_answer) + " bytes");
    }
    co_return response;
}

access_token token_of(const context& with, const token_request& what, detail::http_response response) {
    const wiped body(response.body);
    if (response.head.status != 200) throw what.refusal(response);
    return token_of(with, what.who + ": " + what.origin, response.body);
}

access_token token_of(const context& with, std::string_view who, std::string_view json) {
    const auto refuse = [who](std::string_view why) {
        return error(errc::credential_failed, std::string(who) + ' ' + std::string(why));
    };
    auto said = codec::identity::decode_token(json);
    if (!said) throw refuse("answered with something else than JSON");
    if (said->token.empty()) throw refuse("answered without a token");
    if (!is_header_value(said->token.reveal())) throw refuse("gave a token that a header cannot hold");
    if (!said->type.empty() && !equal_ignoring_case(said->type, "Bearer"))
        throw refuse("gave a token that is not a bearer token");
    access_token given(std::move(said->token));
    // Before `expires_in`: a token kept there may count it from the time of its issue.
    if (const auto when = codec::identity::parse_time(said->expires_on))
        given.expires_at = *when;
    else if (const auto local = codec::identity::parse_time(said->expires_on_local, true))
        given.expires_at = *local;
    else if (said->expires_in)
        given.expires_at = with.now() + std::chrono::seconds(*said->expires_in);
    else if (said->expires_on.empty() && said->expires_on_local.empty())
        given.expires_at = with.now() + assumed_life;
    else
        throw refuse("gave a token without a time that can be read");
    return given;
}

std::string first_line(std::string_view text) {
    text = text.substr(0, std::min(text.find_first_of("\r\n"), longest_line));
    // Not in the middle of a character.
    if (text.size() == longest_line)
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80)) text.remove_suffix(1);
    return std::string(text);
}

}  // namespace corun::identity
