#pragma once
#include "emulator/event_sink.hpp"
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/awaitable.hpp>

#include <string>

namespace corun::emulator {

/// Responds to one request, at once or later, and records how.
class responder {
public:
    virtual ~responder() = default;

    virtual void respond(int status, json body, header_fields headers) = 0;
    void respond(json body) { respond(200, std::move(body), {}); }
    /// Responds with bytes of unknown type.
    virtual void respond_bytes(std::string bytes) = 0;
    /// Begins an event stream.
    virtual event_sink begin_stream() = 0;
    /// Records the run or response that the request is about.
    virtual void set_run_id(const std::string& id) = 0;
    /// Completes when the connection is closed.
    virtual asio::awaitable<void> closed() = 0;
};

}  // namespace corun::emulator
