#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// The part of Redis' protocol (RESP, version 2) that the gateway needs.
namespace corun::gateway::redis {

/// What Redis responds to a command.
struct reply {
    reply() = default;

    enum class kind { null, text, error, number, array };
    kind type = kind::null;
    std::string text;  ///< Of a text or an error.
    std::int64_t number = 0;
    std::vector<reply> elements;

    [[nodiscard]] bool is_null() const noexcept { return type == kind::null; }
    [[nodiscard]] bool is_error() const noexcept { return type == kind::error; }
};

/// What was read is no reply.
class protocol_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads replies from bytes as they come. A reply may be larger than the buffer that it arrives in, so what is known
/// of it is kept.
class reply_reader {
public:
    /// More than any reply to the gateway's commands.
    static constexpr std::size_t max_reply_bytes = std::size_t{256} << 20;
    static constexpr std::size_t max_depth = 8;

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole reply, or nothing yet. Throws `protocol_error`; nothing can be read afterwards.
    [[nodiscard]] std::optional<reply> next();

private:
    struct open_array {
        reply value;
        std::int64_t left = 0;
    };

    [[nodiscard]] bool read_part(reply& value, std::int64_t& elements);
    [[nodiscard]] std::optional<std::string_view> line() const;
    [[nodiscard]] std::optional<reply> end_reply(reply value);

    std::string buffer_;
    std::size_t at_ = 0;     ///< Of what has not been read.
    std::size_t taken_ = 0;  ///< Bytes of the reply that has begun.
    std::vector<open_array> open_;
};

/// The bytes of a command.
std::string encode(std::span<const std::string> command);

}  // namespace corun::gateway::redis
