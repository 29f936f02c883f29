// Fuzzes what token endpoints, metadata services and the Azure CLI may answer. The input is the answer,
// the payload of a JSON Web Token, and a date.
#include "fuzz.hpp"
#include "identity/token_request.hpp"
#include "identity/token_response.hpp"
#include "text/base64.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using corun::fuzz::require;

/// What the client proved itself with: an endpoint may quote it.
constexpr std::string_view mark = "s3cr3t/s3cr3t";
const std::chrono::system_clock::time_point now(std::chrono::seconds(1'766'000'000));

void require_possible(std::optional<std::chrono::system_clock::time_point> when) {
    if (!when) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(when->time_since_epoch()).count();
    require(seconds >= -86'400 && seconds <= 8'000'000'000, "times can be counted with");
}

std::string base64url(std::string_view bytes) {
    std::string text = corun::base64::encode(bytes);
    require(text.size() == (bytes.size() + 2) / 3 * 4, "base64 has its padding");
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    text.resize(text.find_last_not_of('=') + 1);
    return text;
}

void read_answer(const std::string& answer) {
    identity::source_context context;
    context.options.clock = [] { return now; };
    try {
        const access_token given = identity::token_of(context, "endpoint", answer);
        require(!given.value.empty() && is_header_value(given.value.reveal()), "a token can be sent");
        require_possible(given.expires_at);
    } catch (const error& refused) {
        require(refused.code() == errc::credential_failed, "what is no token is a failed credential");
        const auto said = identity::decode_token(answer);
        if (said && said->token.size() > 64)
            require(std::string_view(refused.what()).find(said->token.reveal()) == std::string_view::npos,
                    "a token does not stand in an error");
    }

    identity::token_request request("client", "https://login.example/token");
    request.add_secret(secret(mark));
    detail::http_response response;
    response.head.status = 401;
    response.body = answer;
    const std::string why = request.rejection(response).what();
    require(why.find(mark) == why.npos, "a secret does not stand in a refusal");
    require(why.size() < 4096 && why.find_first_of(std::string("\r\n\0", 3)) == why.npos, "a refusal is a line");
}

}  // namespace

void fuzz_one(std::string_view input) {
    const std::string answer(input);
    read_answer(answer);
    require_possible(identity::parse_time(input));
    require_possible(identity::parse_time(input, true));
    require_possible(identity::expiry_of_jwt(input));
    const auto expires = identity::expiry_of_jwt("e30." + base64url(input) + ".c2ln");
    require_possible(expires);
    if (expires) require(input.find("exp") != input.npos || input.find('\\') != input.npos, "`exp` is what is said");
}
