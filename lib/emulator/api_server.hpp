#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/http/responder.hpp"
#include "emulator/responses/responses_engine.hpp"
#include "emulator/threads/file_store.hpp"
#include "emulator/threads/runs_api.hpp"
#include "emulator/threads/threads_api.hpp"
#include "server/http_server.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace corun::emulator {

/// The server: authorizes, records and routes requests, and applies the faults that answer in its place.
class api_server : public std::enable_shared_from_this<api_server> {
public:
    static constexpr const char* base_path = "/api/projects/emulator";

    api_server(asio::io_context& context, service_options options);

    /// Throws `std::system_error` when it cannot listen.
    void listen();
    void stop();
    void forget_requests() noexcept;

    /// Creates an agent by its JSON, and returns its id. Throws `std::invalid_argument`.
    std::string add_agent(std::string definition);

    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] const std::string& token() const noexcept { return token_; }
    [[nodiscard]] emulator::environment& environment() noexcept { return *environment_; }
    [[nodiscard]] file_store& files() noexcept { return files_; }
    [[nodiscard]] responses_engine& responses() noexcept { return *responses_; }
    [[nodiscard]] const std::vector<recorded_request>& requests() const noexcept { return requests_; }

private:
    class recording_responder;

    void serve(const std::shared_ptr<http::exchange>& exchange);
    void answer(const std::shared_ptr<http::exchange>& exchange, std::uint64_t number);
    void answer_later(const std::shared_ptr<http::exchange>& exchange, std::uint64_t number,
                      std::chrono::milliseconds delay);
    void dispatch(const api_request& request, const std::shared_ptr<responder>& responder);
    void serve_openai(const api_request& request, const std::shared_ptr<responder>& responder);
    void respond_with(const fault& fault, http::exchange& exchange);
    [[nodiscard]] bool is_authorized(const api_request& request, bool accepts_key) const;

    /// Records a request, and returns its number.
    std::uint64_t record(const api_request& request);
    /// The record of this number, null when it is forgotten.
    recorded_request* find_record(std::uint64_t number);
    /// The header fields of a response.
    http::fields head(const http::exchange& exchange, std::string content_type);

    std::shared_ptr<emulator::environment> environment_;
    std::shared_ptr<threads_engine> threads_;
    std::shared_ptr<responses_engine> responses_;
    threads_api threads_api_;
    runs_api runs_api_;
    file_store files_;
    std::string token_;
    std::vector<recorded_request> requests_;
    std::uint64_t forgotten_ = 0;  ///< The number of the first of those.
    std::uint64_t responses_sent_ = 0;
    std::set<std::shared_ptr<asio::steady_timer>> delays_;
    std::optional<http::server> server_;
};

}  // namespace corun::emulator
