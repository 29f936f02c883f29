// The half that uses corun and Asio. The other one, beast.cpp, uses Boost.Beast.
#include "agent_worker.hpp"

#include "../backend.hpp"
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace demo {

struct agent_worker::impl {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    backend service{io};
    corun::client client{io.get_executor(), service.endpoint(), service.credential(), service.options()};
    std::optional<corun::agent> agent;
    std::thread thread{[this] { io.run(); }};

    static asio::awaitable<void> stream(impl& self, std::string question, event_handler on_event) {
        if (!self.agent) self.agent = co_await self.service.make_agent(self.client);
        corun::run_options options;
        options.default_approval = corun::mcp_approval::never();
        const corun::mcp_headers headers = self.service.mcp_headers();
        corun::event_stream events = co_await self.agent->run_stream(question, headers, options);
        while (std::optional<corun::event> event = co_await events.next()) on_event(std::move(*event));
    }
};

agent_worker::agent_worker() : impl_(std::make_unique<impl>()) {}

agent_worker::~agent_worker() {
    asio::co_spawn(impl_->io, impl_->service.clean_up(), [this](std::exception_ptr) { impl_->io.stop(); });
    impl_->thread.join();
}

void agent_worker::ask(std::string question, event_handler on_event, end_handler on_end) {
    asio::co_spawn(impl_->io, impl::stream(*impl_, std::move(question), std::move(on_event)),
                   [on_end = std::move(on_end)](std::exception_ptr failure) {
                       std::string error;
                       try {
                           if (failure) std::rethrow_exception(failure);
                       } catch (const std::exception& problem) {
                           error = problem.what();
                       }
                       on_end(std::move(error));
                   });
}

}  // namespace demo
