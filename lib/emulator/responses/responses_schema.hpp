#pragma once
#include "emulator/http/schema.hpp"

namespace corun::emulator::schema {

/// The bodies of requests for responses, conversations and agent versions.
/// `in_project`: with the members that Azure adds to OpenAI's.
struct responses_bodies {
    explicit responses_bodies(bool in_project);

    check create_response, compact, count_tokens;
    check create_conversation, update_conversation, create_items;
    check create_agent, create_version;
};

/// The members that define an agent. A request that names an agent may not have them.
extern const std::vector<std::string> definition_members;

/// The values of `include`.
check includable();

}  // namespace corun::emulator::schema
