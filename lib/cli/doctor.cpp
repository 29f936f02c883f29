#include "doctor.hpp"

#include "event_view.hpp"
#include "mcp_commands.hpp"
#include "printable.hpp"
#include <corun/agent.hpp>
#include <corun/observer.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <utility>

namespace corun::cli {
namespace {

enum class verdict { good, warning, failure };

/// Prints findings, and keeps the exit status.
class examination {
public:
    explicit examination(program& self) : self_(self) {}

    void good(std::string check, std::string text) { add({verdict::good, std::move(check), std::move(text), ""}); }
    void warn(std::string check, std::string text, std::string advice) {
        add({verdict::warning, std::move(check), std::move(text), std::move(advice)});
    }
    void fail(std::string check, const std::exception& failure) {
        if (code_ == exit_code::completed) code_ = exit_code_of(failure);
        add({verdict::failure, std::move(check), failure.what(), advice_for(failure)});
    }
    [[nodiscard]] exit_code code() const { return code_; }

private:
    struct finding {
        verdict result;
        std::string check, text, advice;
    };

    void add(const finding& one) {
        static constexpr const char* words[] = {"ok", "warning", "FAILED"};
        const char* const word = words[static_cast<int>(one.result)];
        if (self_.options.output.json) {
            self_.out.line(json_line("corun.check", {{"check", one.check},
                                                     {"result", one.result == verdict::failure ? "failed" : word},
                                                     {"message", one.text},
                                                     {"advice", one.advice}}));
            return;
        }
        const auto padded = [](std::string text, std::size_t width) {
            text.resize(std::max(width, text.size() + 1), ' ');
            return text;
        };
        self_.out.line(padded(word, 9) + padded(one.check, 14) + one_line(one.text, 400));
        if (!one.advice.empty()) self_.out.line(std::string(23, ' ') + one.advice);
    }

    program& self_;
    exit_code code_ = exit_code::completed;
};

std::string proxy_of(const connection_settings& options) {
    if (options.proxy) return options.proxy->empty() ? "none" : *options.proxy;
    const bool is_https = options.endpoint.starts_with("https");
    for (const char* name :
         {is_https ? "https_proxy" : "http_proxy", is_https ? "HTTPS_PROXY" : "", "all_proxy", "ALL_PROXY"})
        if (const char* const value = *name == '\0' ? nullptr : std::getenv(name); value && *value)
            return std::string("of the variable ") + name;
    return "none";
}

/// Asks the service for something cheap. That an unknown response is not found proves as much as a list does.
asio::awaitable<std::string> reach(client service, protocol spoken) {
    client handle = std::move(service);
    std::exception_ptr failure;
    try {
        if (spoken == protocol::threads) {
            list_options one;
            one.page_size = 1;
            paged<agent> agents = handle.list_agents(std::move(one));
            (void)co_await agents.next();
            co_return "the service answers";
        }
        (void)co_await handle.get_run(run_position("resp_000000000000000000000000"));
    } catch (const error& refused) {
        if (spoken == protocol::threads || refused.status() != 404) failure = std::current_exception();
    }
    if (failure) std::rethrow_exception(failure);
    co_return "the service answers";
}

/// The head of the last response, as the client's observer sees it.
observer keep_head(std::shared_ptr<std::string> head) {
    observer hooks;
    hooks.on_wire = [head = std::move(head)](const wire_message& message) {
        if (message.kind == wire_message::part::response) *head = message.text;
    };
    return hooks;
}

void check_clock(examination& all, const std::string& head) {
    const auto ahead = clock_difference(head, static_cast<long>(std::time(nullptr)));
    if (!ahead) return all.warn("clock", "the service sends no date", "");
    const std::string text = std::to_string(std::abs(*ahead)) + " s from the service's";
    if (std::abs(*ahead) <= 60) return all.good("clock", text);
    all.warn("clock", text, "set the clock of this machine (timedatectl set-ntp true): tokens look expired");
}

asio::awaitable<bool> check_credential(program& self, examination& all) {
    std::exception_ptr failure;
    bool is_good = true;
    try {
        const credential used = make_credential(self.context.get_executor(), self.options.connection);
        const secret token = co_await used.token();
        all.good("credential", !used ? "none" : used.is_api_key() ? "a key" : "a token");
    } catch (const std::exception& problem) {
        all.fail("credential", problem);
        is_good = false;
    }
    co_return is_good;
}

asio::awaitable<void> check_mcp_server(program& self, examination& all, std::string label, std::string url) {
    const std::string name = "mcp " + label;
    try {
        const mcp::server server = make_mcp_server(self, url);
        const headers fields = headers_of(self.options.connection, label);
        const mcp::tool_list list = co_await server.list_tools(fields);
        all.good(name, std::to_string(list.tools.size()) + " tools at " + url);
        for (const std::string& problem : list.problems) all.warn(name, problem, "");
    } catch (const error& problem) {
        all.fail(name, problem);
    }
}

asio::awaitable<void> check_agent(program& self, examination& all, client service) {
    client handle = std::move(service);
    std::map<std::string, std::string> urls = mcp_urls(self.options.connection);
    if (self.options.connection.agent.empty()) {
        all.warn("agent", "none is chosen", "use --agent ID, or --model NAME without an agent");
    } else {
        try {
            const agent found = co_await handle.get_agent(self.options.connection.agent);
            urls.merge(mcp_urls(found));
            all.good("agent", found.id());
        } catch (const error& problem) {
            all.fail("agent", problem);
        }
    }
    for (const auto& [label, url] : urls) co_await check_mcp_server(self, all, label, url);
}

}  // namespace

std::optional<long> clock_difference(std::string_view response_head, long now) {
    std::string head(response_head);
    for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto at = head.find("\ndate:");
    if (at == std::string::npos) return {};
    std::tm parts{};
    // RFC 9110, 5.6.7, in small letters.
    if (::strptime(head.c_str() + at + 6, " %a, %d %b %Y %H:%M:%S gmt", &parts) == nullptr) return {};
    return now - static_cast<long>(::timegm(&parts));
}

std::string advice_for(const std::exception& failure) {
    const auto* const known = dynamic_cast<const std::system_error*>(&failure);
    if (known == nullptr) return {};
    const std::error_code code = known->code();
    if (code == errc::tls_failed)
        return "if a proxy inspects TLS, trust its certificate with --ca-file; otherwise check the host's name";
    if (code == errc::connect_failed || code == errc::connect_timeout)
        return "check the host in --endpoint, the network, and the proxy";
    if (code == errc::invalid_endpoint)
        return "copy the project's URL: https://RESOURCE.services.ai.azure.com/api/projects/PROJECT";
    if (code == errc::insecure_endpoint) return "use https";
    if (code == errc::credential_failed) return "log in (az login), or use --credential @env:NAME";
    if (code == errc::unauthorized) return "the token is wrong, expired, or for another audience: get a new one";
    if (code == errc::forbidden) return "the account needs a role in the project, such as Azure AI User";
    if (code == errc::not_found) return "check the path in --endpoint, and the id";
    if (code == errc::rate_limited) return "wait, and try again";
    if (code == condition::service_failure) return "the service fails: try again, and look at its status page";
    return {};
}

asio::awaitable<exit_code> check_everything(program& self) {
    examination all(self);
    const connection_settings& values = self.options.connection;
    if (!co_await check_credential(self, all)) co_return all.code();
    const auto head = std::make_shared<std::string>();
    std::optional<client> service;
    try {
        service.emplace(make_client(self.context.get_executor(), values, keep_head(head)));
        const bool is_threads = protocol_of(values) == protocol::threads;
        all.good("endpoint", values.endpoint + (is_threads ? ", threads" : ", responses"));
        all.good("proxy", proxy_of(values));
        all.good("connection", co_await reach(*service, protocol_of(values)));
    } catch (const std::exception& problem) {
        all.fail(service ? "connection" : "endpoint", problem);
    }
    if (!head->empty()) check_clock(all, *head);
    if (all.code() == exit_code::completed) co_await check_agent(self, all, *service);
    co_return all.code();
}

}  // namespace corun::cli
