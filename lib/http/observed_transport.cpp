#include "http/observed_transport.hpp"

#include "redact/wire_text.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace corun::detail {
namespace {

using part = wire_message::part;

/// Header fields of a request whose values may be shown: all others may be secrets.
bool is_harmless(std::string_view name) noexcept {
    for (const char* known : {"Accept", "Content-Type", "User-Agent", "Metadata", "Metadata-Flavor", "traceparent"})
        if (equal_ignoring_case(name, known)) return true;
    constexpr std::string_view of_the_service = "x-ms-";
    return equal_ignoring_case(name.substr(0, of_the_service.size()), of_the_service) && !is_secret_name(name);
}

bool is_text(std::string_view media_type) noexcept {
    const auto is = [media_type](std::string_view name) { return equal_ignoring_case(media_type, name); };
    return media_type.empty() || equal_ignoring_case(media_type.substr(0, 5), "text/") || is("application/json") ||
           is("application/xml") || media_type.ends_with("+json");
}

std::string count_of(std::uint64_t bytes, std::string_view what) {
    std::string said = "[" + std::to_string(bytes) + " bytes";
    if (!what.empty()) said.append(" of ").append(what);
    return said += "]";
}

/// What follows in a path is an id, unless it is another of these.
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
    std::string made;
    std::string_view id;
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    for (bool more = true; more;) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, end);
        more = end < path.size();
        path.remove_prefix(std::min(end + 1, path.size()));
        const std::string_view next = id_in(segment);
        made += '/';
        made += id.empty() || !next.empty() || segment.empty() ? segment : id;
        id = next;
    }
    return made;
}

class observed_transfer final : public net::transfer, net::sink {
public:
    observed_transfer(net::request& what, net::sink& receiver, std::shared_ptr<net::clock> clock, notifier told)
        : sink_(receiver),
          clock_(std::move(clock)),
          notifier_(std::move(told)),
          began_(clock_->now()),
          secrets_(std::move(what.context.secrets)),
          is_token_(what.context.response_is_token) {
        record_.number = notifier_.next_request();
        record_.began = std::chrono::system_clock::now();
        record_.method = what.method;
        record_.attempt = what.context.attempt;
        const std::string_view path = std::string_view(what.url).substr(0, what.url.find_first_of("?#"));
        if (const auto url = parse_url(path)) {
            record_.server_address = url->host;
            record_.server_port = port_of(*url);
            record_.path_template = template_of(url->rest);
        }
        for (const header& field : what.headers)
            if (!is_harmless(field.name)) secrets_.add(field.value);
        if (const secret* id = what.headers.find("x-ms-client-request-id"))
            record_.client_request_id = secrets_.redacted(id->reveal());
        if (what.source) upload_size_ = what.source->size();
        if (!what.source) record_.bytes_sent = what.body.size();
        if (notifier_.wants(&observer::on_wire)) tell_request(what);
    }

    ~observed_transfer() override {
        inner_.reset();
        if (!over_) finish(std::make_error_code(std::errc::operation_canceled), {});
    }

    void start(net::transport& over, net::request what) { inner_ = over.start(std::move(what), *this); }

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
                tell(part::response_body, body_ ? body_->add(bytes) : count_of(bytes.size(), media_type_),
                     bytes.size());
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

    void tell(part what, std::string text, std::uint64_t bytes = 0) {
        if (text.empty()) return;
        wire_message message(what, record_.number);
        message.text = std::move(text);
        message.bytes = bytes;
        notifier_.tell(&observer::on_wire, std::move(message));
    }

    void tell_request(const net::request& what) {
        const std::size_t query = std::min(what.url.find('?'), what.url.size());
        std::string head = what.method + ' ' + secrets_.redacted(what.url.substr(0, query));
        if (query < what.url.size())
            head += '?' + redacted_form(std::string_view(what.url).substr(query + 1), secrets_);
        for (const header& field : what.headers) {
            head.append("\n").append(field.name).append(": ");
            head += is_harmless(field.name) ? redacted_text(field.value.reveal(), secrets_) : "***";
        }
        tell(part::request, std::move(head));
        const secret* type = what.headers.find("Content-Type");
        const std::string_view media_type = type ? ascii::media_type(type->reveal()) : std::string_view();
        if (what.source)
            tell(part::request_body, count_of(*upload_size_, media_type), *upload_size_);
        else if (equal_ignoring_case(media_type, "application/x-www-form-urlencoded"))
            tell(part::request_body, redacted_form(what.body.reveal(), secrets_), what.body.size());
        else if (is_text(media_type))
            tell(part::request_body, redacted_text(what.body.reveal(), secrets_), what.body.size());
        else
            tell(part::request_body, count_of(what.body.size(), media_type), what.body.size());
    }

    void tell_head(const net::response_head& head) {
        std::string text = std::to_string(head.status);
        for (const auto& [name, value] : head.fields) {
            text.append("\n").append(secrets_.redacted(name)).append(": ");
            text += is_secret_name(name) ? "***" : redacted_text(value, secrets_);
        }
        tell(part::response, std::move(text));
        media_type_ = head.media_type();
        const bool events = equal_ignoring_case(media_type_, "text/event-stream");
        if (is_token_)
            media_type_ = "a token, or why there is none";
        else if (is_text(media_type_))
            body_.emplace(secrets_, events ? wire_text::format::events : wire_text::format::json);
        else
            media_type_ = redacted_text(media_type_, secrets_);
    }

    void finish(std::error_code code, const std::string& detail) noexcept {
        over_ = true;
        record_.error = code;
        record_.duration = clock_->now() - began_;
        try {
            if (body_) tell(part::response_body, body_->finish());
            if (notifier_.wants(&observer::on_wire)) {
                std::string text = code ? code.message() : "complete";
                if (!detail.empty()) text.append(": ").append(redacted_text(detail, secrets_));
                text.append(", ").append(std::to_string(record_.bytes_received)).append(" bytes in ");
                const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(record_.duration).count();
                tell(part::end, text.append(std::to_string(ms)).append(" ms"));
            }
        } catch (...) {
        }
        // Nothing that is secret waits for the transfer's owner to let go of it.
        secrets_ = redactor();
        body_.reset();
        notifier_.tell(&observer::on_request, std::move(record_));
    }

    net::sink& sink_;
    std::shared_ptr<net::clock> clock_;
    notifier notifier_;
    net::time_point began_;
    redactor secrets_;
    request_record record_;
    std::optional<std::uint64_t> upload_size_;
    std::string media_type_;
    std::optional<wire_text> body_;  ///< Of a response that is shown.
    bool is_token_;
    bool over_ = false;
    std::unique_ptr<net::transfer> inner_;
};

class observing final : public net::transport {
public:
    observing(std::shared_ptr<net::transport> inner, std::shared_ptr<net::clock> clock, notifier told)
        : inner_(std::move(inner)), clock_(std::move(clock)), notifier_(std::move(told)) {}

    std::unique_ptr<net::transfer> start(net::request what, net::sink& receiver) override {
        auto started = std::make_unique<observed_transfer>(what, receiver, clock_, notifier_);
        started->start(*inner_, std::move(what));
        return started;
    }

private:
    std::shared_ptr<net::transport> inner_;
    std::shared_ptr<net::clock> clock_;
    notifier notifier_;
};

}  // namespace

std::shared_ptr<net::transport> observed_transport(std::shared_ptr<net::transport> inner,
                                                   std::shared_ptr<net::clock> clock, notifier told) {
    if (!told.wants(&observer::on_request) && !told.wants(&observer::on_wire)) return inner;
    return std::make_shared<observing>(std::move(inner), std::move(clock), std::move(told));
}

}  // namespace corun::detail
