#pragma once
#include "emulator/http/api_call.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/core.hpp"

#include <memory>
#include <string>

namespace corun::emulator {

/// An agent as responses know it: a name, and what it was at each version.
struct versioned_agent : record {
    using record::record;
    store<record> versions;
    std::size_t last_version = 0;
};

/// The agents that responses refer to.
class agent_versions {
public:
    explicit agent_versions(core& of) : core_(of) {}

    [[nodiscard]] static bool owns(const call& what);
    /// Throws `refusal`.
    json answer(const call& what);
    /// The version, or the latest one, that an `agent_reference` names. Throws `refusal`.
    [[nodiscard]] const record& find(const json& reference) const;

private:
    json add_version(versioned_agent& to, const json& body);
    void check_tools(const json& definition) const;
    [[nodiscard]] json shown(const versioned_agent& what) const;
    [[nodiscard]] json shown_version(const record& what) const;

    core& core_;
    store<versioned_agent> agents_;
    schema::responses_bodies bodies_{true};
};

/// The value of each input that a definition declares, given or by default. Throws `refusal` when one is missing.
json structured_inputs(const json& definition, const json& given);
/// The definition with `{{name}}` filled in, wherever that counts: instructions, vector stores and files, and
/// label, URL and header values of MCP tools.
void fill_in(json& definition, const json& inputs);

}  // namespace corun::emulator
