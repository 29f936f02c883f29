#pragma once
#include "gateway/encoder.hpp"
#include "gateway/hub.hpp"
#include "gateway/refusal.hpp"
#include "server/http_server.hpp"
#include <corun/gateway/gateway.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::gateway {

/// How a route's clients read an error.
enum class error_style { json, text, openai };

/// A request under way. Reports itself to the access log when it is destroyed.
class request {
public:
    request(hub& its_hub, std::shared_ptr<http::exchange> exchange);
    ~request();
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    [[nodiscard]] const request_head& head() const noexcept { return head_; }
    [[nodiscard]] const std::vector<std::string>& path() const noexcept { return segments_; }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;
    /// The JSON object in the body; an empty one without a body. Throws `refusal`.
    [[nodiscard]] json body() const;
    [[nodiscard]] const user& by() const noexcept { return user_; }
    void set_user(user by) { user_ = std::move(by); }

    void respond(int status, std::string_view content_type, std::string body, http::fields more = {});
    void respond(int status, const json& body);
    void refuse(const refusal& why, error_style style);

    /// Begins to serve a run from this position on, or throws `refusal`.
    static void stream(std::shared_ptr<request> self, std::shared_ptr<run> watched, std::shared_ptr<encoder> as,
                       std::size_t from);

    /// The limits of cross-origin requests: true if this is all right, or has been answered.
    bool passes_origin_check();

    hub& runs;

private:
    [[nodiscard]] http::fields cross_origin_fields() const;

    std::shared_ptr<hub> hub_;
    std::shared_ptr<http::exchange> exchange_;
    request_head head_;
    std::vector<std::string> segments_;
    http::fields query_;
    user user_;
    std::string allowed_origin_;
    access_record record_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// A row of the table of routes: `*` in a path matches any segment.
struct route {
    std::string_view method, path;
    error_style errors;
    asio::awaitable<void> (*answer)(std::shared_ptr<request>);
};

/// The routes of each protocol.
std::vector<route> plain_routes();
std::vector<route> session_routes();
std::vector<route> chat_routes();
std::vector<route> ag_ui_routes();
std::vector<route> responses_routes();

/// The secret of the session in a request's cookie; empty if there is none.
[[nodiscard]] std::string session_of(const request& from);

/// Answers a run that waits. Throws `refusal` unless each of its questions is answered once.
asio::awaitable<void> submit(std::shared_ptr<run> waiting, submission answers);

/// Answers a request.
void answer(hub& to, const std::vector<route>& routes, std::shared_ptr<http::exchange> exchange);

}  // namespace corun::gateway
