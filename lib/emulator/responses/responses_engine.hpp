#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/http/responder.hpp"
#include "emulator/responses/agent_versions.hpp"
#include "emulator/responses/containers.hpp"
#include "emulator/responses/conversations.hpp"
#include "emulator/responses/response_record.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace corun::emulator {

/// The Responses API: its routes and its responses.
class responses_engine : public std::enable_shared_from_this<responses_engine> {
public:
    using responder_ptr = std::shared_ptr<responder>;

    explicit responses_engine(std::shared_ptr<environment> shared);

    [[nodiscard]] static bool owns(const api_request& request);
    /// Throws `api_error`.
    void serve(const api_request& request, const responder_ptr& responder);
    /// Ends the streams of retrieved responses. The environment stops the rest.
    void stop();
    /// Forgets a response that was not stored after all.
    void discard(const std::string& id) { responses_.erase(id); }
    /// Adds a file in a container of its own, and returns their ids.
    std::pair<std::string, std::string> add_container_file(const std::string& filename, std::string bytes) {
        return containers_.add_file(filename, std::move(bytes));
    }

private:
    void create(const api_request& request, const responder_ptr& responder);
    void retrieve(const api_request& request, const responder_ptr& responder);
    json remove(const api_request& request);
    json cancel(const api_request& request);
    json list_input_items(const api_request& request);
    json compact(const api_request& request);
    json count_tokens(const api_request& request);
    [[nodiscard]] std::shared_ptr<response> find(const api_request& request) const;

    [[nodiscard]] const schema::responses_bodies& bodies_of(const api_request& request) const {
        return request.in_project ? bodies_ : plain_bodies_;
    }
    /// Makes a response out of a request. Throws `api_error`.
    std::shared_ptr<response> make(const api_request& request, const json& body);
    /// The effective definition: that of the request, or that of its agent, which `agent` then names.
    json definition_of(const json& body, json& agent) const;
    [[nodiscard]] std::shared_ptr<response> find_previous(const json& body) const;
    [[nodiscard]] std::shared_ptr<conversation> find_conversation(const json& body) const;
    void add_input(response& response, const json& input, const std::vector<json>& context) const;
    /// The item as it is stored; the item itself where the input only refers to one.
    json input_item(const json& item) const;

    void start(const std::shared_ptr<response>& response, event_sink sink, responder_ptr responder);
    void cancel_when_closed(const std::shared_ptr<response>& response, const responder_ptr& responder);
    void interrupt(response& response);
    void send_events(const std::shared_ptr<response>& response, std::int64_t after, event_sink sink);
    static asio::awaitable<void> follow(std::shared_ptr<environment> shared, std::shared_ptr<response> response,
                                        std::int64_t after, event_sink sink);

    std::shared_ptr<environment> environment_;
    agent_versions agents_;
    conversations conversations_;
    containers containers_;
    store<response> responses_;
    schema::responses_bodies bodies_{true}, plain_bodies_{false};
};

}  // namespace corun::emulator
