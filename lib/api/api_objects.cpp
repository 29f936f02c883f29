#include "api/api_objects.hpp"

#include "api/endpoint.hpp"

namespace corun::detail {

void agent_object::read(std::string_view json) {
    codec::stored_agent stored = api->resources.agents.decode(json);
    value = std::move(stored.definition);
    prompt = std::move(stored.prompt);
}

void agent_object::set_local(prompt_agent_definition definition) {
    local = true;
    value = api->resources.prompt_agents->to_classic(definition);
    prompt = std::move(definition);
}

std::string agent_object::path() const {
    return is_one_version ? path_of_version(*api, value.id, prompt.version) : path_of_agent(*api, value.id);
}

void thread_object::read(std::string_view json) {
    value = api->resources.threads.decode(json);
}

std::string thread_object::path() const {
    return path_of_thread(*api, value.id);
}

std::string thread_object::path_of_messages() const {
    return path() + api->resources.messages.collection;
}

void vector_store_object::read(std::string_view json) {
    value = api->resources.vector_stores->decode(json);
}

std::string vector_store_object::path() const {
    return path_of_vector_store(value.id);
}

std::string path_of_agents(const api_client& api) {
    return api.resources.agents.collection(api.kind());
}

std::string path_of_agent(const api_client& api, std::string_view id) {
    return path_of(path_of_agents(api), id, "the agent's id");
}

std::string path_of_versions(const api_client& api, std::string_view agent_id) {
    return path_of_agent(api, agent_id) + "/versions";
}

std::string path_of_version(const api_client& api, std::string_view agent_id, std::string_view version) {
    return path_of(path_of_versions(api, agent_id), version, "the agent's version");
}

std::string path_of_threads(const api_client& api) {
    return api.resources.threads.collection(api.kind());
}

std::string path_of_thread(const api_client& api, std::string_view id) {
    return path_of(path_of_threads(api), id, "the thread's id");
}

std::string path_of_run(const api_client& api, const run_position& run) {
    std::string collection = api.openai_path() + "/responses";
    if (api.resources.runs_are_in_threads)
        collection = path_of(path_of_threads(api), run.thread_id, "run_position::thread_id") + "/runs";
    return path_of(collection, run.run_id, "run_position::run_id");
}

std::string path_of_vector_store(std::string_view id) {
    return path_of("/vector_stores", id, "the vector store's id");
}

std::string path_of_file(std::string_view id) {
    return path_of("/files", id, "the file's id");
}

}  // namespace corun::detail
