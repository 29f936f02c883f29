#pragma once
#include "emulator/threads/schema.hpp"

namespace corun::emulator::schema {

/// The bodies of requests for responses, conversations and agents with versions.
/// `in_project`: with what the service adds to OpenAI's own.
struct responses_bodies {
    explicit responses_bodies(bool in_project);

    check create_response;
    check create_conversation, update_conversation, create_items;
    check create_agent, create_version;
};

/// The members that define an agent, which a request that names one may not have.
extern const std::vector<std::string> definition_members;

/// Values of `include` that are known.
check includable();

}  // namespace corun::emulator::schema
