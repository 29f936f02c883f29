#include "protocol/responses/resource_table.hpp"

#include "protocol/common.hpp"
#include "protocol/definition_checks.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/reconcile.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::codec::responses {
namespace {

secret encode_new_agent(const prompt_agent_definition& definition) {
    if (definition.name.empty()) throw error(errc::invalid_argument, "prompt_agent_definition::name is empty");
    reconcile::validate(definition);
    return encode_agent(definition);
}

constexpr prompt_agent_codec prompt_agents = {
    .encode = encode_new_agent,
    .encode_version =
        [](const prompt_agent_definition& definition) {
            reconcile::validate(definition);
            return encode_agent_version(definition);
        },
    .to_classic = to_classic,
};

constexpr response_codec response_calls = {
    .encode_compact = encode_compact,
    .decode_compacted = decode_compacted,
    .encode_count = encode_count,
    .decode_count = decode_count,
    .decode_input_item = decode_input_item,
};

std::string agent_collection(endpoint_kind kind) {
    if (kind == endpoint_kind::openai)
        throw error(errc::invalid_argument, "an endpoint that ends in /v1 stores no agents; use client::local_agent");
    return "/agents";
}

stored_agent decode_stored_agent(std::string_view json) {
    stored_agent agent;
    agent.prompt = decode_agent(json);
    agent.definition = to_classic(agent.prompt);
    return agent;
}

/// A classic definition is stored as `migrate` converts it, if nothing is lost or changed by that.
secret encode_classic_agent(const agent_definition& definition) {
    reconcile::validate(definition);
    const migrated_agent migrated = migrate(definition);
    std::string notes;
    for (const std::string& note : migrated.notes) notes += (notes.empty() ? "" : " ") + note;
    if (!notes.empty())
        throw error(errc::invalid_argument, "agent_definition cannot be converted without a change: " + notes +
                                                " Check the result of migrate(), and pass it instead");
    return encode_new_agent(migrated.definition);
}

std::string conversation_collection(endpoint_kind kind) {
    return kind == endpoint_kind::openai ? "/conversations" : "/openai/v1/conversations";
}

thread_message decode_added_item(std::string_view json) {
    const std::vector<std::string> items = decode_page(json).items;
    if (items.size() != 1)
        throw error(errc::bad_response,
                    "the service reports " + std::to_string(items.size()) + " added items instead of one");
    return decode_message(items.front());
}

}  // namespace

constinit const resource_codec resources = {
    .unavailable = " is not available in the Responses protocol",
    .has_api_version =
        [](endpoint_kind kind, std::string_view path) {
            return kind != endpoint_kind::openai && !path.starts_with("/openai/v1/");
        },
    .agents =
        {
            .collection = agent_collection,
            .decode = decode_stored_agent,
            .encode = encode_classic_agent,
            .encode_changes = nullptr,
        },
    .prompt_agents = &prompt_agents,
    .threads =
        {
            .collection = conversation_collection,
            .can_be_listed = false,
            .decode = decode_conversation,
            .encode =
                [](const thread_definition& definition) {
                    reconcile::validate(definition);
                    return encode_conversation(definition);
                },
            .encode_changes =
                [](const thread_definition& changes) {
                    reconcile::validate(changes);
                    return encode_conversation_changes(changes);
                },
        },
    .messages =
        {
            .collection = "/items",
            .has_runs = false,
            .encode = [](const message& value) { return encode_items({value}); },
            .decode_added = decode_added_item,
            .decode = decode_message,
            .decode_listed = decode_if_message,
            .encode_changes = nullptr,
        },
    .runs_are_in_threads = false,
    .decode_run = [](std::string_view json) { return decode_response(json); },
    .runs = nullptr,
    .responses = &response_calls,
    .decode_file = nullptr,
    .vector_stores = nullptr,
};

}  // namespace corun::codec::responses
