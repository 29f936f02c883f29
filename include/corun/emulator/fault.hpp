#pragma once
#include <corun/chrono.hpp>
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>
#include <corun/json_text.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace corun::emulator {

/// An injected fault: its kind, the requests that it applies to, how often, and its place in a stream.
///
///     service.inject(fault::respond(429, "", {{"Retry-After", "1"}}).on("POST", "/threads/runs"));
///     service.inject(fault::cut().after_bytes(700));
///     service.inject(fault::insert(": a comment\n\n").every_events(10).times(fault::always));
///
/// Faults are tried in the order of injection. Those of a stream apply together.
class CORUN_API fault {
public:
    enum class kind { respond, drop, delay, cut, reset, stall, insert, omit, repeat, rewrite, split };
    /// For `times`: every request.
    static constexpr std::size_t always = static_cast<std::size_t>(-1);

    /// Sends this response instead of handling the request. An empty body is replaced by an error object of the
    /// service; a body that begins with `<` is sent as HTML.
    static fault respond(int status, json_text body = {}, header_fields fields = {});
    /// Handles the request, then resets the connection instead of responding.
    static fault drop();
    /// Handles the request after this time. Other faults of the request apply afterwards.
    static fault delay(std::chrono::milliseconds duration);
    /// Closes the connection in the middle of a stream: FIN without a last chunk.
    static fault cut();
    /// Resets the connection in the middle of a stream.
    static fault reset();
    /// Stops writing, and keeps the connection open.
    static fault stall();
    /// Inserts bytes into a stream: keep-alives, comments, unknown events, garbage.
    static fault insert(std::string bytes);
    /// Omits the events of this name (`done`: the end of the stream).
    static fault omit(std::string event);
    /// Sends the events of this name twice.
    static fault repeat(std::string event);
    /// Changes each frame: the function receives the name of the event and the frame, and returns the bytes to send.
    static fault rewrite(std::function<std::string(const std::string& event, std::string frame)> function);
    /// Ends lines with CR LF.
    static fault crlf();
    /// Sends the stream in pieces of this many bytes, split anywhere.
    static fault split(std::size_t bytes);

    /// Restricts the fault to this method and path; `*` in the path matches one segment. By default, it applies to the
    /// next suitable request.
    fault& on(std::string method, std::string path);
    /// The number of requests that the fault applies to; the default is 1.
    fault& times(std::size_t count);
    /// The place in the stream; the default is the start.
    fault& after_bytes(std::size_t count);
    /// After this many events.
    fault& after_events(std::size_t count);
    /// After each `count` events.
    fault& every_events(std::size_t count);
    /// Before the events of this name.
    fault& before(std::string event);
    /// After the events of this name.
    fault& after(std::string event);

private:
    friend struct fault_access;
    enum class place { start, bytes, events, every, before, after };

    explicit fault(kind type) : kind_(type) {}
    fault& at(place where, std::size_t count, std::string event);

    kind kind_;
    place place_ = place::start;
    int status_ = 0;
    std::size_t times_ = 1;
    std::size_t count_ = 0;
    std::string body_, event_, method_, path_;
    header_fields fields_;
    std::function<std::string(const std::string&, std::string)> function_;
};

}  // namespace corun::emulator
