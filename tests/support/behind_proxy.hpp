#pragma once
#include "api/api_client.hpp"
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "curl/curl_transport.hpp"
#include "emulated.hpp"
#include "fault_proxy.hpp"
#include "virtual_time.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace corun::test {

/// The emulated service behind a network that fails where a test says; the library's time is virtual.
struct behind_proxy : emulated {
    behind_proxy() : proxy(io, service->endpoint()) { connect({}); }
    ~behind_proxy() { clock->shut_down(); }

    void connect(client_options settings) {
        owner = detail::make_api_client(io.get_executor(), proxy.endpoint(), credential::bearer(service->token()),
                                        std::move(settings), curl::make_transport(io.get_executor()), clock);
    }

    /// A handle that works by way of the proxy.
    agent by_proxy(const agent& of) const { return detail::handle_access::make<agent>(owner, of.definition().raw); }
    agent_thread by_proxy(const agent_thread& of) const {
        return detail::handle_access::make<agent_thread>(owner, of.definition().raw);
    }

    agent_thread new_thread() { return by_proxy(await(io, client->create_thread())); }

    std::size_t count(const std::string& method, const std::string& end) const {
        return static_cast<std::size_t>(
            std::count_if(service->requests().begin(), service->requests().end(),
                          [&](const auto& each) { return each.method == method && each.path.ends_with(end); }));
    }

    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    fault_proxy proxy;
    std::shared_ptr<detail::api_client> owner;
};

/// What a caller makes of a stream.
struct outcome {
    std::vector<event> events;
    std::vector<std::string> names;                ///< Without what repeats, and corun's own.
    std::map<std::string, std::string> texts;      ///< By message, of the deltas.
    std::map<std::string, std::string> arguments;  ///< By call, of the deltas.
    std::string text;
    std::size_t reattached = 0, tokens = 0;
    std::vector<std::error_code> causes;
    std::error_code failure;
};

inline asio::awaitable<outcome> take_all(asio::awaitable<event_stream> started) {
    outcome all;
    event_stream stream = co_await std::move(started);
    while (auto arrived = co_await stream.next(all.failure)) {
        all.events.push_back(*arrived);
        if (const auto* again = arrived->get_if<events::reattached>()) {
            ++all.reattached;
            all.causes.push_back(again->cause);
            continue;
        }
        if (const auto* delta = arrived->get_if<events::text_delta>()) {
            all.texts[std::string(delta->message_id)] += delta->text;
            all.text += delta->text;
            ++all.tokens;
        } else if (const auto* piece = arrived->get_if<events::tool_call_delta>()) {
            all.arguments[std::string(piece->step_id) + std::to_string(piece->index)] += piece->arguments;
        } else if (!arrived->continues() && all.names.size() < 1000) {
            all.names.emplace_back(arrived->name());
        }
    }
    co_return all;
}

}  // namespace corun::test
