#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"

#include <memory>
#include <string>

namespace corun::emulator {

struct conversation : record {
    using record::record;
    store<record> items;
    bool locked = false;  ///< A response is using it.
};

/// Conversations and their items, and the routes to them. The handlers throw `api_error`.
class conversations {
public:
    explicit conversations(environment& shared) : environment_(shared) {}

    json serve(const api_request& request);
    /// Throws `api_error` when there is no such conversation.
    [[nodiscard]] std::shared_ptr<conversation> find(const std::string& id) const;
    /// Null when no conversation has it.
    [[nodiscard]] std::shared_ptr<record> find_item(const std::string& id) const;

private:
    json create(const api_request& request);
    json retrieve(const api_request& request);
    json update(const api_request& request);
    json remove(const api_request& request);
    json create_items(const api_request& request);
    json list_items(const api_request& request);
    json retrieve_item(const api_request& request);
    json remove_item(const api_request& request);
    json add_items(conversation& conversation, const json& input);

    environment& environment_;
    store<conversation> conversations_;
    schema::responses_bodies bodies_{true};
};

/// An input item as it is stored: with an id, and with its content as a list.
json stored_item(environment& shared, const json& input);
/// The error for an object of the Responses API that does not exist.
api_error not_found_by_id(const std::string& kind, const std::string& id);
/// Throws `api_error` when `include` has an unknown value.
void check_include(const api_request& request);

}  // namespace corun::emulator
