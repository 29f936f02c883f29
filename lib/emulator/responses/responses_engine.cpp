// The routes to responses, and streams of stored events. See response_request.cpp for what a request says.
#include "emulator/responses/responses_engine.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/responses/models.hpp"
#include "emulator/responses/response_execution.hpp"

#include <asio/co_spawn.hpp>

#include <charconv>
#include <exception>
#include <optional>
#include <utility>

namespace corun::emulator {
namespace {

std::optional<std::int64_t> number_of(const std::string& text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

responses_engine::responses_engine(std::shared_ptr<environment> shared)
    : environment_(std::move(shared)),
      agents_(*environment_),
      conversations_(*environment_),
      containers_(*environment_) {}

bool responses_engine::owns(const api_request& request) {
    if (agent_versions::owns(request)) return true;
    const auto& segments = request.segments;
    if (segments.empty()) return false;
    if (segments[0] == "deployments" || segments[0] == "connections") return request.in_project;
    return segments.size() > 2 && segments[0] == "openai" && segments[1] == "v1";
}

void responses_engine::serve(const api_request& request, const responder_ptr& responder) {
    using engine = responses_engine;
    static constexpr route<void (engine::*)(const api_request&, const responder_ptr&)> streaming[] = {
        {"POST", "openai/v1/responses", &engine::create},
        {"GET", "openai/v1/responses/*", &engine::retrieve},
    };
    static constexpr route<json (engine::*)(const api_request&)> routes[] = {
        {"DELETE", "openai/v1/responses/*", &engine::remove},
        {"POST", "openai/v1/responses/*/cancel", &engine::cancel},
        {"GET", "openai/v1/responses/*/input_items", &engine::list_input_items},
        {"POST", "openai/v1/responses/compact", &engine::compact},
        {"POST", "openai/v1/responses/input_tokens", &engine::count_tokens},
    };
    if (const auto handler = find_route(streaming, request)) return (this->*handler)(request, responder);
    if (const auto handler = find_route(routes, request)) return responder->respond((this->*handler)(request));
    if (containers_.serve(request, *responder)) return;
    if (auto answer = serve_models(request)) return responder->respond(std::move(*answer));
    json answer = agent_versions::owns(request) ? agents_.serve(request) : conversations_.serve(request);
    const int status = answer.is_null() ? 204 : 200;
    responder->respond(status, std::move(answer), {});
}

void responses_engine::stop() {
    for (const auto& [place, response] : responses_.items()) response->log.changed.notify();
}

std::shared_ptr<response> responses_engine::find(const api_request& request) const {
    auto found = responses_.find(request.segments[3]);
    if (!found) throw not_found_by_id("Response", request.segments[3]);
    return found;
}

json responses_engine::remove(const api_request& request) {
    const auto response = find(request);
    if (!response->has_ended()) interrupt(*response);
    responses_.erase(response->id);
    return deleted(response->id, "response");
}

json responses_engine::cancel(const api_request& request) {
    const auto response = find(request);
    if (!response->options.background) throw bad_request("Cannot cancel a synchronous response.");
    if (!response->has_ended()) interrupt(*response);
    return shown(*response, environment_->options.echo_headers);
}

json responses_engine::list_input_items(const api_request& request) {
    check_include(request);
    return list_page(find(request)->input, page_of(request), "item", all,
                     [](const record& item) { return item.object; });
}

void responses_engine::create(const api_request& request, const responder_ptr& responder) {
    json body = body_of(request, bodies_of(request).create_response);
    if (!request.agent.empty()) {
        json& reference = body[environment_->options.agent_key == agent_key::agent ? "agent" : "agent_reference"];
        reference = {{"type", "agent_reference"}, {"name", request.agent}};
    }
    const auto created = make(request, body);
    const response_options& options = created->options;
    if (options.stored) responses_.add(created);
    if (created->conversation) created->conversation->locked = true;
    responder->set_run_id(created->id);
    if (options.streaming && options.background) {
        send_events(created, -1, responder->begin_stream());
        return start(created, {}, nullptr);
    }
    if (options.streaming) {
        event_sink sink = responder->begin_stream();
        cancel_when_closed(created, responder);
        return start(created, std::move(sink), nullptr);
    }
    if (options.background) {
        responder->respond(shown(*created, environment_->options.echo_headers));
        return start(created, {}, nullptr);
    }
    cancel_when_closed(created, responder);
    start(created, {}, responder);
}

void responses_engine::retrieve(const api_request& request, const responder_ptr& responder) {
    check_include(request);
    const auto response = find(request);
    response->note_read();
    const std::string stream = request.parameter("stream");
    if (!stream.empty()) schema::one_of({"true", "false"})(stream, "stream");
    if (stream != "true") return responder->respond(shown(*response, environment_->options.echo_headers));
    const std::string from = request.parameter("starting_after");
    const auto after = from.empty() ? std::optional<std::int64_t>(-1) : number_of(from);
    if (!after)
        throw bad_request("Invalid type for 'starting_after': expected an integer, but got a string instead.",
                          "starting_after", "invalid_type");
    if (!response->options.retrievable_as_stream)
        throw bad_request("Only a response that was created with 'background' and 'stream' can be streamed.", "stream");
    responder->set_run_id(response->id);
    send_events(response, *after, responder->begin_stream());
}

void responses_engine::start(const std::shared_ptr<response>& response, event_sink sink, responder_ptr responder) {
    std::make_shared<response_execution>(shared_from_this(), environment_, response, std::move(sink),
                                         std::move(responder))
        ->start();
}

void responses_engine::interrupt(response& response) {
    response.end("cancelled", environment_->now());
    response.interrupt();
}

void responses_engine::cancel_when_closed(const std::shared_ptr<response>& response, const responder_ptr& responder) {
    if (environment_->options.client_leaves != client_leaves::is_cancelled) return;
    asio::co_spawn(environment_->context, responder->closed(),
                   [weak = weak_from_this(), responder, response](std::exception_ptr) {
                       const auto self = weak.lock();
                       if (self && !response->has_ended() && !self->environment_->stopped) self->interrupt(*response);
                   });
}

void responses_engine::send_events(const std::shared_ptr<response>& response, std::int64_t after, event_sink sink) {
    asio::co_spawn(environment_->context, follow(environment_, response, after, std::move(sink)),
                   [](std::exception_ptr) {});
}

asio::awaitable<void> responses_engine::follow(std::shared_ptr<environment> shared, std::shared_ptr<response> response,
                                               std::int64_t after, event_sink sink) {
    const auto& events = response->log.events;
    std::size_t next = 0;
    while (next != events.size() && events[next].sequence_number <= after) ++next;
    for (;;) {
        while (next != events.size() && sink.is_open()) {
            const std::string name = events[next].name;
            if (events[next].sequence_number > after && sink.put_frame(name, events[next].frame)) co_await sink.flush();
            ++next;
        }
        co_await sink.flush();
        if (shared->stopped || !sink.is_open()) co_return;
        if (next != events.size()) continue;
        if (response->log.has_ended) break;
        co_await response->log.changed.wait();
    }
    co_await sink.finish();
}

}  // namespace corun::emulator
