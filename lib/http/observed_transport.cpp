#include "http/observed_transport.hpp"

#include "http/body_gatherer.hpp"
#include "redact/body_redactor.hpp"
#include "text/ascii.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace corun::detail {
namespace {

using part = wire_message::part;

bool is_form(std::string_view media_type) noexcept {
    return equal_ignoring_case(media_type, "application/x-www-form-urlencoded");
}

/// In a path, an id follows the name of a collection, unless another collection does.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> collections{{
    {"assistants", "{assistant_id}"},
    {"agents", "{agent_id}"},
    {"threads", "{thread_id}"},
    {"messages", "{message_id}"},
    {"runs", "{run_id}"},
    {"steps", "{step_id}"},
    {"files", "{file_id}"},
    {"vector_stores", "{vector_store_id}"},
    {"file_batches", "{batch_id}"},
    {"conversations", "{conversation_id}"},
    {"responses", "{response_id}"},
    {"items", "{item_id}"},
}};

std::string_view id_in(std::string_view collection) noexcept {
    for (const auto& [name, id] : collections)
        if (name == collection) return id;
    return {};
}

std::string template_of(std::string_view path) {
    std::string pattern;
    std::string_view id;
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    for (bool more = true; more;) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, end);
        more = end < path.size();
        path.remove_prefix(std::min(end + 1, path.size()));
        const std::string_view next = id_in(segment);
        pattern += '/';
        pattern += id.empty() || !next.empty() || segment.empty() ? segment : id;
        id = next;
    }
    return pattern;
}

class observed_transfer final : public net::transfer, net::sink {
public:
    observed_transfer(net::request& request, net::sink& receiver, std::shared_ptr<net::clock> clock, notifier notifier)
        : sink_(receiver),
          clock_(std::move(clock)),
          notifier_(std::move(notifier)),
          began_(clock_->now()),
          secrets_(std::move(request.context.secrets)),
          is_token_(request.context.response_is_token) {
        record_.number = notifier_.next_request();
        record_.began = std::chrono::system_clock::now();
        record_.tag = std::move(request.context.tag);
        record_.method = request.method;
        record_.rpc_method = std::move(request.context.rpc_method);
        record_.attempt = request.context.attempt;
        const std::string_view path = std::string_view(request.url).substr(0, request.url.find_first_of("?#"));
        if (const auto url = parse_url(path)) {
            record_.server_address = url->host;
            record_.server_port = port_of(*url);
            record_.path_template = template_of(url->rest);
        }
        for (const header& field : request.headers)
            if (!is_shown_header(field.name)) secrets_.add(field.value);
        if (const secret* id = request.headers.find("x-ms-client-request-id"))
            record_.client_request_id = secrets_.redacted(id->reveal());
        if (const secret* parent = request.headers.find("traceparent"))
            record_.traceparent = secrets_.redacted(parent->reveal());
        if (request.source) upload_size_ = request.source->size();
        if (!request.source) record_.bytes_sent = request.body.size();
        if (notifier_.wants(&observer::on_wire)) tell_request(request);
    }

    ~observed_transfer() override {
        inner_.reset();
        if (!over_) finish(std::make_error_code(std::errc::operation_canceled), {});
    }

    void start(net::transport& inner, net::request request) { inner_ = inner.start(std::move(request), *this); }

    void pause() noexcept override { inner_->pause(); }
    void resume() noexcept override { inner_->resume(); }

private:
    void on_head(net::response_head head) noexcept override {
        try {
            record_.time_to_response = clock_->now() - began_;
            record_.status = head.status;
            for (const char* name : {"apim-request-id", "x-request-id", "x-ms-request-id"})
                if (record_.request_id.empty()) record_.request_id = redacted_text(head.field(name), secrets_);
            if (notifier_.wants(&observer::on_wire)) tell_head(head);
        } catch (...) {
            body_.reset();
        }
        sink_.on_head(std::move(head));
    }

    void on_bytes(std::string_view bytes) noexcept override {
        record_.bytes_received += bytes.size();
        if (notifier_.wants(&observer::on_wire)) {
            try {
                if (body_)
                    for (auto& piece : body_->add(bytes)) tell(part::response_body, std::move(piece.text), piece.bytes);
            } catch (...) {
                body_.reset();
            }
        }
        sink_.on_bytes(bytes);
    }

    void on_sent(std::uint64_t bytes) noexcept override {
        record_.bytes_sent = bytes;
        sink_.on_sent(bytes);
    }

    void on_done(std::error_code code, std::string detail) noexcept override {
        finish(code, detail);
        sink_.on_done(code, std::move(detail));
    }

    void tell(part kind, std::string text, std::uint64_t bytes = 0) {
        if (text.empty()) return;
        wire_message message(kind, record_.number);
        message.text = std::move(text);
        message.bytes = bytes;
        notifier_.notify(&observer::on_wire, std::move(message));
    }

    void tell_request(const net::request& request) {
        const std::size_t query = std::min(request.url.find('?'), request.url.size());
        std::string head = request.method + ' ' + secrets_.redacted(request.url.substr(0, query));
        if (query < request.url.size())
            head += '?' + redacted_form(std::string_view(request.url).substr(query + 1), secrets_);
        for (const header& field : request.headers) {
            head.append("\n").append(field.name).append(": ");
            head += is_shown_header(field.name) ? redacted_text(field.value.reveal(), secrets_) : "***";
        }
        tell(part::request, std::move(head));
        const secret* type = request.headers.find("Content-Type");
        const std::string_view media_type = type ? ascii::media_type(type->reveal()) : std::string_view();
        const std::uint64_t size = upload_size_.value_or(request.body.size());
        if (size == 0) return;
        if (!request.source && is_form(media_type))
            tell(part::request_body, redacted_form(request.body.reveal(), secrets_), size);
        else if (!request.source && is_json_media_type(media_type))
            tell(part::request_body, document_or_count(request.body.reveal(), media_type, secrets_), size);
        else
            tell(part::request_body, byte_count(size, media_type), size);
    }

    void tell_head(const net::response_head& head) {
        std::string text = std::to_string(head.status);
        for (const auto& [name, value] : head.fields) {
            text.append("\n").append(secrets_.redacted(name)).append(": ");
            text += is_secret_name(name) ? "***" : redacted_text(value, secrets_);
        }
        tell(part::response, std::move(text));
        body_.emplace(is_token_ ? "a token response" : redacted_text(head.media_type(), secrets_), secrets_);
    }

    void finish(std::error_code code, const std::string& detail) noexcept {
        over_ = true;
        record_.error = code;
        record_.duration = clock_->now() - began_;
        try {
            if (body_)
                if (auto rest = body_->finish()) tell(part::response_body, std::move(rest->text), rest->bytes);
            if (notifier_.wants(&observer::on_wire)) {
                std::string text = code ? code.message() : "complete";
                if (!detail.empty()) text.append(": ").append(redacted_text(detail, secrets_));
                text.append(", ").append(std::to_string(record_.bytes_received)).append(" bytes in ");
                const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(record_.duration).count();
                tell(part::end, text.append(std::to_string(ms)).append(" ms"));
            }
        } catch (...) {
        }
        // The transfer's owner may keep it for long; the secrets go now.
        secrets_ = redactor();
        body_.reset();
        notifier_.notify(&observer::on_request, std::move(record_));
    }

    net::sink& sink_;
    std::shared_ptr<net::clock> clock_;
    notifier notifier_;
    net::time_point began_;
    redactor secrets_;
    request_record record_;
    std::optional<std::uint64_t> upload_size_;
    std::optional<body_gatherer> body_;  ///< Of the response, for `on_wire`.
    bool is_token_;
    bool over_ = false;
    std::unique_ptr<net::transfer> inner_;
};

class observing final : public net::transport {
public:
    observing(std::shared_ptr<net::transport> inner, std::shared_ptr<net::clock> clock, notifier notifier)
        : inner_(std::move(inner)), clock_(std::move(clock)), notifier_(std::move(notifier)) {}

    std::unique_ptr<net::transfer> start(net::request request, net::sink& receiver) override {
        auto transfer = std::make_unique<observed_transfer>(request, receiver, clock_, notifier_);
        transfer->start(*inner_, std::move(request));
        return transfer;
    }

private:
    std::shared_ptr<net::transport> inner_;
    std::shared_ptr<net::clock> clock_;
    notifier notifier_;
};

}  // namespace

bool is_shown_header(std::string_view name) noexcept {
    for (const char* known :
         {"Accept", "Content-Type", "User-Agent", "Metadata", "Metadata-Flavor", "traceparent", "tracestate",
          "Foundry-Features", "OpenAI-Beta", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"})
        if (equal_ignoring_case(name, known)) return true;
    constexpr std::string_view of_the_service = "x-ms-";
    return equal_ignoring_case(name.substr(0, of_the_service.size()), of_the_service) && !is_secret_name(name);
}

std::shared_ptr<net::transport> observed_transport(std::shared_ptr<net::transport> inner,
                                                   std::shared_ptr<net::clock> clock, notifier notifier) {
    if (!notifier.wants(&observer::on_request) && !notifier.wants(&observer::on_wire)) return inner;
    return std::make_shared<observing>(std::move(inner), std::move(clock), std::move(notifier));
}

}  // namespace corun::detail
