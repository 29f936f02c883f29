#include "identity/sources.hpp"

#include <optional>
#include <utility>

namespace corun::identity {
namespace {

struct chain {
    explicit chain(std::vector<fetch> candidates) : sources(std::move(candidates)) {}

    std::vector<fetch> sources;
    std::optional<std::size_t> chosen;
};

asio::awaitable<access_token> fetch_from_chain(std::shared_ptr<chain> self) {
    access_token token;
    if (self->chosen) {
        token = co_await self->sources[*self->chosen]();
        co_return token;
    }
    std::string problems;
    for (std::size_t i = 0; i < self->sources.size(); ++i) {
        std::string problem;
        bool is_available = true;
        try {
            token = co_await self->sources[i]();
            self->chosen = i;
            co_return token;
        } catch (const unavailable& failure) {
            is_available = false;
            problem = failure.details().message;
        } catch (const error& failure) {
            problem = failure.details().message;
        }
        problems += (problems.empty() ? "" : "; ") + problem;
        // Another source may belong to another identity.
        if (is_available) break;
    }
    throw error(errc::credential_failed, std::move(problems));
}

}  // namespace

fetch first_available(std::vector<fetch> sources) {
    return [self = std::make_shared<chain>(std::move(sources))] { return fetch_from_chain(self); };
}

fetch azure_default(shared_context context) {
    std::string client_id = context->options.client_id;
    if (client_id.empty()) client_id = context->variable("AZURE_CLIENT_ID");
    std::vector<fetch> sources;
    sources.push_back(environment(context));
    sources.push_back(workload_identity(context));
    sources.push_back(managed_identity(context, std::move(client_id), true));
    sources.push_back(azure_cli(context));
    return first_available(std::move(sources));
}

}  // namespace corun::identity
