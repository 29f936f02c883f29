#pragma once

namespace corun::codec {

/// What an event means for the run it belongs to, in any protocol.
enum class event_class {
    ordinary,       ///< For the caller.
    keepalive,      ///< For the caller: says nothing but that the connection lives.
    error,          ///< For the caller: the stream itself has failed.
    action,         ///< For the caller: the run waits for answers. The response has no more to say.
    last,           ///< For the caller: the run has ended. The response has no more to say.
    end_of_stream,  ///< Only frames the stream, or says that nothing more of it can be used.
    repeated,       ///< Has arrived before.
};

}  // namespace corun::codec
