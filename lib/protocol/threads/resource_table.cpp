#include "protocol/threads/resource_table.hpp"

#include "protocol/definition_checks.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/file_objects.hpp"

namespace corun::codec::threads {
namespace {

constexpr run_codec runs = {
    .decode = decode_run,
    .decode_step = decode_step,
    .encode_changes = [](const metadata& pairs) { return encode_metadata(pairs, "the run"); },
    .encode_submission = [](const submission& answers) { return encode_submission(answers, false); },
};

constexpr vector_store_codec vector_stores = {
    .encode = encode_vector_store,
    .encode_changes = encode_vector_store_changes,
    .encode_file = encode_vector_store_file,
    .encode_batch = encode_vector_store_batch,
    .decode = decode_vector_store,
    .decode_file = decode_vector_store_file,
    .decode_batch = decode_vector_store_batch,
};

}  // namespace

constinit const resource_codec resources = {
    .unavailable = " is available in the Responses protocol only",
    .has_api_version = [](endpoint_kind, std::string_view) { return true; },
    .agents = {
        .collection = [](endpoint_kind) { return std::string("/assistants"); },
        .decode =
            [](std::string_view json) {
                stored_agent agent;
                agent.definition = decode_agent(json);
                return agent;
            },
        .encode =
            [](const agent_definition& definition) {
                reconcile::validate(definition);
                return encode_agent(definition);
            },
        .encode_changes =
            [](const agent_definition& changes) {
                reconcile::validate(changes);
                return encode_agent_changes(changes);
            },
    },
    .prompt_agents = nullptr,
    .threads = {
        .collection = [](endpoint_kind) { return std::string("/threads"); },
        .can_be_listed = true,
        .decode = decode_thread,
        .encode =
            [](const thread_definition& definition) {
                reconcile::validate(definition);
                return encode_thread(definition);
            },
        .encode_changes =
            [](const thread_definition& changes) {
                reconcile::validate(changes);
                return encode_thread_changes(changes);
            },
    },
    .messages = {
        .collection = "/messages",
        .has_runs = true,
        .encode = encode_message,
        .decode_added = decode_message,
        .decode = decode_message,
        .decode_listed = [](std::string_view json) { return std::optional<thread_message>(decode_message(json)); },
        .encode_changes = [](const metadata& pairs) { return encode_metadata(pairs, "the message"); },
    },
    .runs_are_in_threads = true,
    .decode_run = decode_run,
    .runs = &runs,
    .responses = nullptr,
    .decode_file = decode_file,
    .vector_stores = &vector_stores,
};

}  // namespace corun::codec::threads
