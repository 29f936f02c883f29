#pragma once
#include "api/api_client.hpp"
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <string>

namespace corun::detail {

/// A copy of an agent that is created for one run. When this goes, the copy is deleted at the service, in the
/// background: also when the coroutine that waits for `create` is cancelled.
class ephemeral_agent {
public:
    static asio::awaitable<std::shared_ptr<ephemeral_agent>> create(std::shared_ptr<api_client> api,
                                                                    agent_definition definition);

    ephemeral_agent(std::shared_ptr<api_client> api, std::string id);
    ephemeral_agent(const ephemeral_agent&) = delete;
    ephemeral_agent& operator=(const ephemeral_agent&) = delete;
    ~ephemeral_agent();

    [[nodiscard]] const std::string& id() const noexcept { return id_; }

private:
    std::shared_ptr<api_client> api_;
    std::string id_;
};

}  // namespace corun::detail
