#include "gateway/request.hpp"

#include "gateway/viewer.hpp"
#include "server/target.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace corun::gateway {
namespace {

constexpr std::string_view json_type = "application/json";

bool matches(std::string_view pattern, const std::vector<std::string>& segments) {
    std::size_t at = 0;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const auto segment = pattern.substr(0, pattern.find('/'));
        if (at == segments.size() || (segment != "*" && segment != segments[at])) return false;
        pattern.remove_prefix(segment.size());
        ++at;
    }
    return at == segments.size();
}

/// The host and port of an origin.
std::string_view host_of(std::string_view origin) {
    const auto at = origin.find("://");
    return at == std::string_view::npos ? origin : origin.substr(at + 3);
}

bool only_reads(std::string_view method) {
    return method == "GET" || method == "HEAD";
}

}  // namespace

request::request(hub& its_hub, std::shared_ptr<http::exchange> exchange)
    : runs(its_hub), hub_(its_hub.shared_from_this()), exchange_(std::move(exchange)) {
    const std::string_view target = exchange_->request.target;
    const auto mark = target.find('?');
    head_.method = exchange_->request.method;
    head_.path = http::percent_decoded(target.substr(0, mark));
    head_.fields = exchange_->request.fields;
    segments_ = http::path_segments(target.substr(0, mark));
    if (mark != std::string_view::npos) query_ = http::query_parameters(target.substr(mark + 1));
    record_.method = head_.method;
    record_.path = target.substr(0, mark);
}

request::~request() {
    record_.user = user_.id;
    record_.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun_);
    ++runs.counted.responses[record_.status];
    if (!runs.options().on_access) return;
    try {
        runs.options().on_access(record_);
    } catch (...) {
        // A log that fails does not stop the gateway.
    }
}

std::string_view request::parameter(std::string_view name) const noexcept {
    for (const auto& [key, value] : query_)
        if (key == name) return value;
    return {};
}

json request::body() const {
    const std::string& text = exchange_->request.body;
    if (text.empty()) return json::object();
    if (text.size() > runs.options().max_body_bytes) throw refusal(413, "too_large", "The request is too large.");
    if (!head_.header("Content-Type").starts_with(json_type))
        throw refusal(415, "unsupported_media_type", "Send JSON, as application/json.");
    json parsed = json::parse(text, nullptr, false);
    if (!parsed.is_object()) throw bad_request("The body is no JSON object.");
    return parsed;
}

http::fields request::cross_origin_fields() const {
    if (allowed_origin_.empty()) return {};
    return {{"Access-Control-Allow-Origin", allowed_origin_},
            {"Access-Control-Allow-Credentials", "true"},
            {"Access-Control-Expose-Headers", "Retry-After"},
            {"Vary", "Origin"}};
}

void request::respond(int status, std::string_view content_type, std::string body, http::fields more) {
    record_.status = status;
    record_.bytes = body.size();
    http::fields fields = cross_origin_fields();
    if (!content_type.empty()) fields.emplace_back("Content-Type", std::string(content_type));
    fields.emplace_back("Cache-Control", "no-store");
    fields.emplace_back("X-Content-Type-Options", "nosniff");
    for (auto& each : more) fields.push_back(std::move(each));
    exchange_->respond(status, std::move(fields), std::move(body));
}

void request::respond(int status, const json& body) {
    respond(status, json_type, text_of(body));
}

void request::refuse(const refusal& why, error_style style) {
    ++runs.counted.refusals[why.code()];
    http::fields more;
    if (why.status() == 429 || why.status() == 503) more.emplace_back("Retry-After", "5");
    if (style == error_style::text)
        return respond(why.status(), "text/plain; charset=utf-8", why.what(), std::move(more));
    json body = {{"error", {{"code", why.code()}, {"message", why.what()}}}};
    if (style == error_style::openai) {
        body["error"]["type"] = why.status() < 500 ? "invalid_request_error" : "server_error";
        body["error"]["param"] = nullptr;
    }
    respond(why.status(), json_type, text_of(body), std::move(more));
}

bool request::passes_origin_check() {
    const std::string_view origin = head_.header("Origin");
    const std::string_view site = head_.header("Sec-Fetch-Site");
    const auto& allowed = runs.options().allowed_origins;
    const bool is_own = !origin.empty() && origin != "null" && host_of(origin) == head_.header("Host");
    if (!is_own && std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) allowed_origin_ = origin;
    if (head_.method == "OPTIONS") {
        if (allowed_origin_.empty()) return false;
        respond(204, {}, {},
                {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                 {"Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID"},
                 {"Access-Control-Max-Age", "600"}});
        return true;
    }
    if (only_reads(head_.method) || is_own || !allowed_origin_.empty()) return true;
    // Not from a page, or from one that does not say: a page of another site would.
    return origin.empty() && site != "cross-site";
}

void request::stream(std::shared_ptr<request> self, std::shared_ptr<run> watched, std::shared_ptr<encoder> as,
                     std::size_t from) {
    request& one = *self;
    if (one.exchange_->request.is_http_1_0)
        throw refusal(505, "http_1_0", "HTTP/1.0 cannot tell a broken stream from a whole one. Use HTTP/1.1.");
    one.runs.check_viewers_of(one.user_.id);
    one.record_.status = 200;
    http::fields fields = one.cross_origin_fields();
    // What is not needed any more: streams are long.
    one.head_ = request_head();
    one.query_ = http::fields();
    one.segments_ = std::vector<std::string>();
    one.user_.mcp_headers = mcp_header_source();
    // The record keeps the request, which reports it in the end.
    const std::shared_ptr<access_record> record(self, &one.record_);
    std::make_shared<viewer>(std::move(watched), one.exchange_, std::move(as), one.runs.counted, record)
        ->begin(std::move(fields), from);
}

std::string session_of(const request& from) {
    return std::string(from.head().cookie(sessions::cookie_name));
}

namespace {

asio::awaitable<void> sign_in_and_answer(std::shared_ptr<request> self, route found) {
    const std::shared_ptr<request> kept = std::move(self);
    std::optional<user> by;
    bool failed = false;
    try {
        by = co_await kept->runs.sessions().find(session_of(*kept), std::chrono::steady_clock::now());
    } catch (const std::exception&) {
        failed = true;
    }
    try {
        // A token counts whatever has become of the cookie.
        if (!by) by = co_await kept->runs.options().sign_in(kept->head());
    } catch (const std::exception&) {
        failed = true;
    }
    // Not 401: a page would take its user for signed out.
    if (failed && !by) throw refusal(503, "sign_in_failed", "Sign-in is not available. Try again in a moment.");
    if (!by || by->id.empty()) throw refusal(401, "signed_out", "Sign in first.");
    kept->set_user(std::move(*by));
    co_await found.answer(kept);
}

asio::awaitable<void> answer_one(std::shared_ptr<request> self, route found) {
    const std::shared_ptr<request> kept = std::move(self);
    std::optional<refusal> refused;
    try {
        co_await sign_in_and_answer(kept, found);
    } catch (const refusal& why) {
        refused = why;
    } catch (const redis::unavailable&) {
        refused = log_unavailable();
    } catch (const error& failure) {
        if (failure.code() == condition::network)
            refused.emplace(503, "unavailable", "The server is busy. Try again in a moment.");
        else
            refused.emplace(500, "internal_error", "Something went wrong.");
    } catch (const std::exception&) {
        refused.emplace(500, "internal_error", "Something went wrong.");
    }
    if (refused) kept->refuse(*refused, found.errors);
}

bool answer_without_sign_in(request& self) {
    const auto& head = self.head();
    if (!only_reads(head.method)) return false;
    if (head.path == "/healthz") {
        const bool draining = self.runs.draining();
        self.respond(draining ? 503 : 200, "text/plain", draining ? "draining\n" : "ok\n");
        return true;
    }
    if (head.path == "/metrics") {
        self.respond(200, "text/plain; version=0.0.4; charset=utf-8",
                     metrics_text(self.runs.counted, self.runs.current()));
        return true;
    }
    if (const pages::page* found = self.runs.pages().find(head.path)) {
        self.respond(200, found->content_type, found->bytes,
                     {{"Content-Security-Policy", pages::content_security_policy}, {"Referrer-Policy", "no-referrer"}});
        return true;
    }
    return false;
}

/// Before a route has been found.
error_style style_of(std::string_view path) noexcept {
    return path.starts_with("/v1/") ? error_style::openai : error_style::json;
}

}  // namespace

void answer(hub& to, const std::vector<route>& routes, std::shared_ptr<http::exchange> exchange) {
    const auto one = std::make_shared<request>(to, std::move(exchange));
    if (answer_without_sign_in(*one)) return;
    if (!one->passes_origin_check())
        return one->refuse(refusal(403, "wrong_origin", "This page may not use the server."),
                           style_of(one->head().path));
    if (one->head().method == "OPTIONS") return;
    for (const route& each : routes) {
        if (!matches(each.path, one->path()) || each.method != one->head().method) continue;
        asio::co_spawn(to.executor(), answer_one(one, each), [](std::exception_ptr) {});
        return;
    }
    one->refuse(not_found(), style_of(one->head().path));
}

}  // namespace corun::gateway
