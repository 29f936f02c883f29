#pragma once
#include <corun/files.hpp>
#include <corun/message.hpp>
#include <corun/model_input.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/secret.hpp>
#include <corun/submission.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The objects that a service stores: where they are, and how their JSON is read and written. One table per protocol.
///
/// A null function or table means that the protocol has no such thing. Encoders throw `errc::invalid_argument` for
/// definitions that the service would reject, decoders `errc::bad_response` for a text that is not the object.
namespace corun::codec {

/// Whose API an endpoint offers.
enum class endpoint_kind {
    project,  ///< A Foundry project's.
    openai,   ///< OpenAI's own: no projects, no stored agents, no API versions.
};

struct stored_agent {
    stored_agent() = default;

    agent_definition definition;
    prompt_agent_definition prompt;  ///< Responses protocol only; `definition` is then made of it.
};

struct agent_codec {
    /// Throws `errc::invalid_argument` where no agents are stored.
    std::string (*collection)(endpoint_kind kind);
    stored_agent (*decode)(std::string_view json);
    secret (*encode)(const agent_definition& definition);
    secret (*encode_changes)(const agent_definition& definition);
};

/// Agents whose changes are versions.
struct prompt_agent_codec {
    secret (*encode)(const prompt_agent_definition& definition);
    secret (*encode_version)(const prompt_agent_definition& definition);
    agent_definition (*to_classic)(const prompt_agent_definition& definition);
};

struct thread_codec {
    std::string (*collection)(endpoint_kind kind);
    bool can_be_listed;
    thread_definition (*decode)(std::string_view json);
    secret (*encode)(const thread_definition& definition);
    secret (*encode_changes)(const thread_definition& definition);
};

struct message_codec {
    const char* collection;  ///< Below the thread's path.
    bool has_runs;           ///< A message knows its run.
    secret (*encode)(const message& value);
    /// The response to the body that `encode` made.
    thread_message (*decode_added)(std::string_view json);
    thread_message (*decode)(std::string_view json);
    /// Nothing for an item that is no message.
    std::optional<thread_message> (*decode_listed)(std::string_view json);
    secret (*encode_changes)(const metadata& pairs);
};

struct run_codec {
    thread_run (*decode)(std::string_view json);
    run_step (*decode_step)(std::string_view json);
    secret (*encode_changes)(const metadata& pairs);
    secret (*encode_submission)(const submission& answers);
};

/// The input of responses.
struct response_codec {
    secret (*encode_compact)(const model_input& input);
    compacted_response (*decode_compacted)(std::string_view json);
    secret (*encode_count)(const model_input& input);
    std::int64_t (*decode_count)(std::string_view json);
    response_item (*decode_input_item)(std::string_view json);
};

struct vector_store_codec {
    secret (*encode)(const vector_store_definition& definition);
    secret (*encode_changes)(const vector_store_definition& definition);
    secret (*encode_file)(std::string_view file_id, const std::optional<static_chunking>& chunking);
    secret (*encode_batch)(const std::vector<std::string>& file_ids,
                           const std::vector<vector_store_data_source>& sources,
                           const std::optional<static_chunking>& chunking);
    vector_store_info (*decode)(std::string_view json);
    vector_store_file (*decode_file)(std::string_view json);
    vector_store_batch (*decode_batch)(std::string_view json);
};

struct resource_codec {
    /// What an error says of a call that needs what the protocol does not have: "client::get_file" + this.
    const char* unavailable;
    /// Whether a request to `path` carries `api-version`.
    bool (*has_api_version)(endpoint_kind kind, std::string_view path);

    agent_codec agents;
    const prompt_agent_codec* prompt_agents;
    thread_codec threads;
    message_codec messages;
    bool runs_are_in_threads;  ///< Else they are responses.
    thread_run (*decode_run)(std::string_view json);
    const run_codec* runs;
    const response_codec* responses;
    file_info (*decode_file)(std::string_view json);
    const vector_store_codec* vector_stores;
};

}  // namespace corun::codec
