#include "gateway/redis/reply.hpp"

#include <charconv>
#include <utility>

namespace corun::gateway::redis {
namespace {

constexpr std::string_view line_end = "\r\n";

std::int64_t number_of(std::string_view digits) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || digits.empty())
        throw protocol_error("a number is malformed");
    return number;
}

}  // namespace

std::optional<std::string_view> reply_reader::line() const {
    const auto end = buffer_.find(line_end, at_);
    if (end == std::string::npos) {
        if (buffer_.size() - at_ > max_reply_bytes) throw protocol_error("a line has no end");
        return {};
    }
    return std::string_view(buffer_).substr(at_, end - at_);
}

/// Reads a reply that is no array, or the head of one.
bool reply_reader::read_part(reply& value, std::int64_t& elements) {
    const auto first = line();
    if (!first) return false;
    if (first->empty()) throw protocol_error("a reply has no type");
    const char type = first->front();
    const std::string_view rest = first->substr(1);
    std::size_t size = first->size() + line_end.size();
    elements = -1;
    if (type == '+' || type == '-') {
        value.type = type == '+' ? reply::kind::text : reply::kind::error;
        value.text = rest;
    } else if (type == ':') {
        value.type = reply::kind::number;
        value.number = number_of(rest);
    } else if (type == '$') {
        const std::int64_t length = number_of(rest);
        if (length > static_cast<std::int64_t>(max_reply_bytes)) throw protocol_error("a reply is too large");
        if (length >= 0) {
            const auto bytes = static_cast<std::size_t>(length);
            if (buffer_.size() - at_ < size + bytes + line_end.size()) return false;
            value.type = reply::kind::text;
            value.text = buffer_.substr(at_ + size, bytes);
            size += bytes + line_end.size();
        }
    } else if (type == '*') {
        const std::int64_t count = number_of(rest);
        if (count >= 0) {
            value.type = reply::kind::array;
            elements = count;
        }
    } else {
        throw protocol_error("a reply has an unknown type");
    }
    at_ += size;
    taken_ += size;
    if (taken_ > max_reply_bytes) throw protocol_error("a reply is too large");
    return true;
}

/// What is complete: an element of an array, or the reply.
std::optional<reply> reply_reader::end_reply(reply value) {
    while (!open_.empty()) {
        open_array& within = open_.back();
        within.value.elements.push_back(std::move(value));
        if (--within.left > 0) return {};
        value = std::move(within.value);
        open_.pop_back();
    }
    taken_ = 0;
    return value;
}

std::optional<reply> reply_reader::next() {
    while (true) {
        reply value;
        std::int64_t elements = -1;
        if (!read_part(value, elements)) {
            buffer_.erase(0, std::exchange(at_, 0));
            return {};
        }
        if (elements > 0) {
            if (open_.size() == max_depth) throw protocol_error("a reply is too deep");
            open_.push_back({std::move(value), elements});
            continue;
        }
        if (auto whole = end_reply(std::move(value))) return whole;
    }
}

std::string encode(std::span<const std::string> command) {
    std::string bytes = "*" + std::to_string(command.size());
    bytes += line_end;
    for (const std::string& each : command) {
        bytes.append("$").append(std::to_string(each.size())).append(line_end);
        bytes.append(each).append(line_end);
    }
    return bytes;
}

}  // namespace corun::gateway::redis
