#pragma once
#include "json/reader.hpp"
#include "json/text.hpp"
#include "protocol/event_access.hpp"
#include "protocol/raw_event.hpp"
#include "text/utf8.hpp"
#include <corun/event.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::codec {

/// A text as it stands in the JSON.
struct json_piece {
    std::string_view text;
    bool escaped = false;
};

inline json_piece piece_of(std::string_view inside) noexcept {
    return {inside, inside.find('\\') != std::string_view::npos};
}

/// A string that may be missing or null; anything else is a problem.
inline void read_optional_string(json::value source, std::string_view member, std::optional<json_piece>& out) {
    out.reset();
    if (const auto inside = json::string_inside(source))
        out = piece_of(*inside);
    else if (!json::is_null(source))
        json::expected(member, "a string");
}

/// A text with its escapes undone, and the bytes that the rest of the event points into.
struct unescaped_text {
    unescaped_text(std::shared_ptr<const void> original, std::size_t capacity) : storage(std::move(original)) {
        text.reserve(capacity);
    }

    std::shared_ptr<const void> storage;
    std::string text;
    std::list<std::string> kept;
};

/// What a piece of a text says, for the readers of the most frequent events, which use no `output`. `wire.storage`
/// keeps it alive. `half`: see `json::append_unescaped`.
inline std::string_view unescape(raw_event& wire, std::string_view piece, bool escaped, char16_t& half) {
    if (!escaped && half == 0) return piece;
    if (wire.scratch.size() >= json::unescaped_bound(piece.size()))
        return {wire.scratch.data(), json::unescape(wire.scratch.data(), piece, half)};
    auto unescaped =
        std::make_shared<unescaped_text>(std::move(wire.storage), piece.size() + utf8::replacement_character.size());
    json::append_unescaped(unescaped->text, piece, half);
    const std::string_view text = unescaped->text;
    wire.storage = std::move(unescaped);
    return text;
}

/// The events that one wire event turns into.
class output {
public:
    output(const raw_event& wire, event& first, std::vector<event>& more)
        : wire_(wire), first_(first), more_(more), more_before_(more.size()) {}

    /// Adds an event. The reference to the first one stays good, any other until the next is added.
    template <class Body>
    Body& add() {
        event& target = used_ ? more_.emplace_back() : first_;
        Body& added = detail::event_access::emplace<Body>(target, wire_.name, wire_.data, wire_.storage, used_);
        used_ = true;
        return added;
    }

    /// A view of what `piece` says, good for as long as the events are.
    std::string_view view(const json_piece& piece) {
        if (!piece.escaped) return piece.text;
        std::string& text = storage().text;
        const std::size_t before = text.size();
        json::append_unescaped(text, piece.text);
        return std::string_view(text).substr(before);
    }
    std::string_view view(const std::optional<json_piece>& piece) { return piece ? view(*piece) : std::string_view{}; }

    /// The same for a piece of a text that began in another event: see `json::append_unescaped`.
    std::string_view view(const json_piece& piece, char16_t& half) {
        if (!piece.escaped && half == 0) return piece.text;
        std::string text;
        text.reserve(piece.text.size() + utf8::replacement_character.size());
        json::append_unescaped(text, piece.text, half);
        return keep(std::move(text));
    }

    /// The same for a text that does not stand in the data as it is.
    std::string_view keep(std::string text) { return storage().kept.emplace_back(std::move(text)); }

    /// `problem` is that of the data, or empty.
    void finish(std::string_view problem) {
        if (!used_) add<events::unknown>();
        if (!problem.empty()) problem = keep(std::string(problem));
        if (!unescaped_) return;
        const auto keep_alive = [&](event& each) {
            detail::event_access::set_storage(each, unescaped_);
            detail::event_access::set_problem(each, problem);
        };
        keep_alive(first_);
        for (std::size_t i = more_before_; i != more_.size(); ++i) keep_alive(more_[i]);
    }

    void discard() {
        first_ = event{};
        more_.resize(more_before_);
        used_ = false;
    }

    const raw_event& wire() const noexcept { return wire_; }

private:
    unescaped_text& storage() {
        // Unescaped text is never longer, and no piece is viewed twice: views into it stay good.
        if (!unescaped_) unescaped_ = std::make_shared<unescaped_text>(wire_.storage, wire_.data.size());
        return *unescaped_;
    }

    const raw_event& wire_;
    event& first_;
    std::vector<event>& more_;
    std::size_t more_before_;
    bool used_ = false;
    std::shared_ptr<unescaped_text> unescaped_;
};

}  // namespace corun::codec
