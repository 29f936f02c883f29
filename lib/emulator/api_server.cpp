#include "emulator/api_server.hpp"

#include "emulator/http/api_error.hpp"
#include <corun/headers.hpp>

#include <asio/co_spawn.hpp>

#include <exception>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace corun::emulator {
namespace {

constexpr std::size_t recorded_of_upload = 64 * 1024;

/// An exchange whose responses are lost: the request has its effects, and nobody gets the response.
struct lost_exchange final : http::exchange {
    explicit lost_exchange(http::request original) { request = std::move(original); }

    void respond(int, http::fields, std::string) override {}
    void begin(int, http::fields) override {}
    asio::awaitable<void> write(std::string) override {
        throw std::system_error(std::make_error_code(std::errc::broken_pipe));
        co_return;
    }
    void finish() override {}
    void abort(bool) override {}
    asio::awaitable<void> closed() override { co_return; }
};

/// A request of the emulator to itself.
struct local_exchange final : http::exchange {
    explicit local_exchange(http::request original) { request = std::move(original); }

    void respond(int its_status, http::fields, std::string its_body) override {
        status = its_status;
        body = std::move(its_body);
    }
    void begin(int, http::fields) override {}
    asio::awaitable<void> write(std::string) override { co_return; }
    void finish() override {}
    void abort(bool) override {}
    asio::awaitable<void> closed() override { co_return; }

    int status = 0;
    std::string body;
};

api_error wrong_key(const api_request& request) {
    const bool has_token = !http::find(request.fields, "authorization").empty();
    const bool misses_token = request.at_bare_v1 && !has_token;
    const char* const text =
        misses_token ? "You didn't provide an API key. You need to provide your API key in an Authorization "
                       "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
                     : "Incorrect API key provided.";
    return api_error(401, error_envelope(text, "invalid_request_error", nullptr, "invalid_api_key"));
}

asio::awaitable<void> finish(event_sink sink) {
    event_sink stream = std::move(sink);
    co_await stream.finish();
}

}  // namespace

/// Responds to an exchange, and records the status unless the response is lost.
class api_server::recording_responder final : public responder {
public:
    recording_responder(std::weak_ptr<api_server> server, std::shared_ptr<http::exchange> exchange,
                        const api_request& request, std::uint64_t number, bool is_lost)
        : server_(std::move(server)),
          exchange_(std::move(exchange)),
          method_(request.method),
          path_(request.path),
          number_(number),
          is_lost_(is_lost) {}

    using responder::respond;
    void respond(int status, json body, header_fields headers) override {
        const auto server = server_.lock();
        if (!server) return;
        set_status(*server, status);
        auto fields = server->head(*exchange_, "application/json; charset=utf-8");
        if (body.contains("error") && get(body["error"], "additionalInfo").is_object())
            body["error"]["additionalInfo"]["request_id"] = http::find(fields, "apim-request-id");
        fields.insert(fields.end(), headers.begin(), headers.end());
        constexpr int no_content = 204;
        exchange_->respond(status, std::move(fields), status == no_content ? std::string() : text_of(body));
    }
    void respond_bytes(std::string bytes) override {
        const auto server = server_.lock();
        if (!server) return;
        set_status(*server, 200);
        emulator::environment& shared = *server->environment_;
        auto fields = server->head(*exchange_, "application/octet-stream");
        auto faults = shared.faults.take_stream(method_, path_);
        if (faults.empty()) return exchange_->respond(200, std::move(fields), std::move(bytes));
        // Faults in the middle need a response without a length.
        exchange_->begin(200, std::move(fields));
        event_sink sink(shared.context, exchange_, std::move(faults));
        sink.put_frame("content", std::move(bytes));
        asio::co_spawn(shared.context, finish(std::move(sink)), [](std::exception_ptr) {});
    }
    event_sink begin_stream() override {
        const auto server = server_.lock();
        if (!server) return {};
        set_status(*server, 200);
        exchange_->begin(200, server->head(*exchange_, "text/event-stream; charset=utf-8"));
        emulator::environment& shared = *server->environment_;
        return {shared.context, exchange_, shared.faults.take_stream(method_, path_)};
    }
    void set_run_id(const std::string& id) override {
        const auto server = server_.lock();
        if (recorded_request* record = server ? server->find_record(number_) : nullptr) record->run_id = id;
    }
    asio::awaitable<void> closed() override { return exchange_->closed(); }

private:
    void set_status(api_server& server, int status) {
        if (is_lost_) return;
        if (recorded_request* record = server.find_record(number_)) record->status = status;
    }

    std::weak_ptr<api_server> server_;
    std::shared_ptr<http::exchange> exchange_;
    std::string method_, path_;
    std::uint64_t number_;
    bool is_lost_;
};

api_server::api_server(asio::io_context& context, service_options options)
    : environment_(std::make_shared<emulator::environment>(context, std::move(options))),
      threads_(std::make_shared<threads_engine>(environment_)),
      responses_(std::make_shared<responses_engine>(environment_)),
      threads_api_(threads_),
      runs_api_(threads_),
      files_(environment_),
      token_(environment_->options.token) {}

void api_server::listen() {
    server_.emplace(environment_->context, environment_->options.address, environment_->options.port,
                    [weak = weak_from_this()](std::shared_ptr<http::exchange> exchange) {
                        if (const auto self = weak.lock()) self->serve(exchange);
                    });
}

void api_server::stop() {
    if (!server_) return;
    for (const auto& timer : delays_) timer->cancel();
    environment_->stop();
    responses_->stop();
    server_->stop();
}

std::string api_server::add_agent(std::string definition) {
    const json parsed = json::parse(definition, nullptr, false);
    http::request made;
    made.method = "POST";
    made.target =
        std::string(base_path) + (parsed.contains("definition") ? "/agents" : "/assistants") + "?api-version=v1";
    made.fields.emplace_back("Authorization", "Bearer " + token_);
    made.fields.emplace_back("Content-Type", "application/json");
    made.body = std::move(definition);
    const auto exchange = std::make_shared<local_exchange>(std::move(made));
    const api_request request(exchange->request, base_path);
    constexpr bool is_recorded = false;
    const auto responder = std::make_shared<recording_responder>(weak_from_this(), exchange, request, 0, !is_recorded);
    try {
        dispatch(request, responder);
    } catch (const api_error& error) {
        throw std::invalid_argument("the agent is rejected: " + text_of(error.body()));
    }
    return get_string(json::parse(exchange->body, nullptr, false), "id");
}

std::string api_server::endpoint() const {
    return "http://" + environment_->options.address + ":" + std::to_string(server_->port()) + base_path;
}

void api_server::serve(const std::shared_ptr<http::exchange>& exchange) {
    const api_request request(exchange->request, base_path);
    const std::uint64_t number = record(request);
    const auto delay = environment_->faults.take_delay(request.method, request.path);
    if (delay)
        answer_later(exchange, number, *delay);
    else
        answer(exchange, number);
}

void api_server::answer_later(const std::shared_ptr<http::exchange>& exchange, std::uint64_t number,
                              std::chrono::milliseconds delay) {
    const auto timer = std::make_shared<asio::steady_timer>(environment_->context, delay);
    delays_.insert(timer);
    timer->async_wait([weak = weak_from_this(), timer, exchange, number](std::error_code code) {
        const auto self = weak.lock();
        if (!self) return;
        self->delays_.erase(timer);
        if (!code) self->answer(exchange, number);
    });
}

void api_server::answer(const std::shared_ptr<http::exchange>& exchange, std::uint64_t number) {
    const api_request request(exchange->request, base_path);
    const auto responder_to = [&](std::shared_ptr<http::exchange> target, bool is_lost) {
        return std::make_shared<recording_responder>(weak_from_this(), std::move(target), request, number, is_lost);
    };
    const auto responder = responder_to(exchange, false);
    try {
        const auto fault = environment_->faults.take_answer(request.method, request.path);
        if (!fault) return dispatch(request, responder);
        if (fault_access::kind(*fault) == fault::kind::respond) return respond_with(*fault, *exchange);
        dispatch(request, responder_to(std::make_shared<lost_exchange>(exchange->request), true));
        exchange->abort(true);
    } catch (const api_error& error) {
        responder->respond(error.status(), error.body(), {});
    } catch (const std::exception&) {
        responder->respond(500, error_envelope(went_wrong, "server_error", nullptr, "server_error"), {});
    }
}

void api_server::dispatch(const api_request& request, const std::shared_ptr<responder>& responder) {
    if (request.at_openai) {
        const bool accepts_key = !request.at_bare_v1 || environment_->options.api_key_at_v1;
        if (!is_authorized(request, accepts_key)) throw wrong_key(request);
        return serve_openai(request, responder);
    }
    if (!request.in_project) throw no_such_route();
    if (!is_authorized(request, false)) {
        json body;
        body["statusCode"] = 401;
        body["message"] = "Unauthorized. Access token is missing, invalid, audience is incorrect, or has expired.";
        throw api_error(401, std::move(body));
    }
    if (responses_engine::owns(request)) return serve_openai(request, responder);
    check_api_version(request);
    if (runs_api_.serve(request, responder) || files_.serve(request, *responder)) return;
    auto body = threads_api_.serve(request);
    if (!body) throw no_such_route();
    responder->respond(std::move(*body));
}

void api_server::serve_openai(const api_request& request, const std::shared_ptr<responder>& responder) {
    // Files and vector stores are those of the project.
    api_request shortened = request;
    if (shortened.segments[0] == "openai")
        shortened.segments.erase(shortened.segments.begin(), shortened.segments.begin() + 2);
    if (!files_.serve(shortened, *responder)) responses_->serve(request, responder);
}

bool api_server::is_authorized(const api_request& request, bool accepts_key) const {
    return token_.empty() || http::find(request.fields, "authorization") == "Bearer " + token_ ||
           (accepts_key && http::find(request.fields, "api-key") == token_);
}

void api_server::respond_with(const fault& fault, http::exchange& exchange) {
    const int status = fault_access::status(fault);
    std::string body = fault_access::body(fault);
    const bool is_html = body.starts_with('<');
    if (body.empty()) {
        const std::string code = status == 429   ? "rate_limit_exceeded"
                                 : status >= 500 ? "server_error"
                                                 : "invalid_request_error";
        body = text_of(error_envelope("The request was refused by an injected fault.", code, nullptr, code));
    }
    auto fields = head(exchange, is_html ? "text/html; charset=utf-8" : "application/json; charset=utf-8");
    for (const auto& [name, value] : fault_access::fields(fault)) {
        std::erase_if(fields, [&name = name](const auto& field) { return equal_ignoring_case(field.first, name); });
        fields.emplace_back(name, value);
    }
    requests_.back().status = status;
    exchange.respond(status, std::move(fields), std::move(body));
}

std::uint64_t api_server::record(const api_request& request) {
    recorded_request added;
    added.method = request.method;
    added.path = request.path;
    added.query = request.raw_query;
    added.headers = request.fields;
    const bool is_upload = http::find(request.fields, "content-type").starts_with("multipart/");
    added.body = request.body_text.substr(0, is_upload ? recorded_of_upload : std::string::npos);
    if (requests_.size() >= environment_->options.recorded_requests) {
        forgotten_ += requests_.size() / 2;
        requests_.erase(requests_.begin(), requests_.begin() + std::ssize(requests_) / 2);
    }
    requests_.push_back(std::move(added));
    return forgotten_ + requests_.size() - 1;
}

recorded_request* api_server::find_record(std::uint64_t number) {
    const bool is_kept = number >= forgotten_ && number - forgotten_ < requests_.size();
    return is_kept ? &requests_[number - forgotten_] : nullptr;
}

void api_server::forget_requests() noexcept {
    forgotten_ += requests_.size();
    requests_.clear();
    environment_->mcp_requests.clear();
}

http::fields api_server::head(const http::exchange& exchange, std::string content_type) {
    http::fields fields;
    fields.emplace_back("Content-Type", std::move(content_type));
    fields.emplace_back("Date", http::date(environment_->now()));
    // Looks like the gateway's GUID. The sequence is the same in every process.
    const std::string number = std::to_string(++responses_sent_);
    fields.emplace_back("apim-request-id", "00000000-0000-4000-8000-" + std::string(12 - number.size(), '0') + number);
    if (const auto id = http::find(exchange.request.fields, "x-ms-client-request-id"); !id.empty())
        fields.emplace_back("x-ms-client-request-id", id);
    return fields;
}

}  // namespace corun::emulator
