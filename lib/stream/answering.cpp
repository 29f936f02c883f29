#include "stream/answering.hpp"

#include "stream/actions.hpp"
#include "stream/sending.hpp"

#include <utility>

namespace corun::detail {

asio::awaitable<void> send_answers(std::shared_ptr<stream_state> stream, submission answers) {
    const submission sent = answers;
    run_call call = co_await stream->protocol->answer(std::move(answers), stream->report, stream->secrets);
    stream->observed.submit_begins(stream->api(), sent);
    try {
        co_await send(stream, std::move(call));
    } catch (const std::system_error& failure) {
        stream->observed.submit_ended(stream->api(), failure.code(), stream->protocol->identity());
        throw;
    }
    stream->observed.submit_ended(stream->api(), {}, stream->protocol->identity());
}

asio::awaitable<void> answer(std::shared_ptr<stream_state> stream) {
    required_action action = stream->protocol->identity().action;
    submission answers = co_await ask_handlers(stream, std::move(action));
    co_await send_answers(stream, std::move(answers));
}

}  // namespace corun::detail
