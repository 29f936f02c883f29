// Sessions: a page that has signed in once needs no token any more.
#include "gateway/request.hpp"

namespace corun::gateway {
namespace {

asio::awaitable<void> begin_session(std::shared_ptr<request> from) {
    const std::shared_ptr<request> kept = std::move(from);
    const std::string cookie = co_await kept->runs.sessions().begin(kept->by(), std::chrono::steady_clock::now());
    const json body = {{"user", kept->by().id}};
    kept->respond(200, "application/json", text_of(body), {{"Set-Cookie", cookie}});
}

asio::awaitable<void> show_session(std::shared_ptr<request> from) {
    const std::shared_ptr<request> kept = std::move(from);
    const json body = {{"user", kept->by().id}};
    kept->respond(200, body);
    co_return;
}

asio::awaitable<void> end_session(std::shared_ptr<request> from) {
    const std::shared_ptr<request> kept = std::move(from);
    const std::string cookie = co_await kept->runs.sessions().end(session_of(*kept));
    kept->respond(204, {}, {}, {{"Set-Cookie", cookie}});
}

}  // namespace

std::vector<route> session_routes() {
    return {
        {"POST", "/session", error_style::json, &begin_session},
        {"GET", "/session", error_style::json, &show_session},
        {"DELETE", "/session", error_style::json, &end_session},
    };
}

}  // namespace corun::gateway
