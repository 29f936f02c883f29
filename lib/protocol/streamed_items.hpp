#pragma once
#include "text/text_position.hpp"
#include "values/text_kind.hpp"
#include <corun/resources.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace corun::codec {

/// What an event says of the item that it speaks of. What it leaves out is empty.
struct item_reference {
    item_reference() = default;

    std::string_view type;  ///< `message`, `reasoning`, or the type of a call, such as `function`.
    std::string_view id, call_id;
    std::optional<std::int32_t> index;  ///< `output_index`.
};

/// A text as a whole shows it.
struct whole_text {
    text_kind kind = text_kind::none;
    std::int32_t part = 0;
    std::string_view text;
};
/// A part of a text that has not been delivered.
struct missing_text {
    text_kind kind = text_kind::none;
    std::int32_t part = 0;
    std::string text;
};

/// A text of an item, and how much of it has been delivered.
class streamed_text {
public:
    streamed_text(text_kind kind, std::int32_t part) noexcept : kind_(kind), part_(part) {}

    /// One of which a part was delivered elsewhere.
    streamed_text(text_kind kind, std::int32_t part, const detail::text_mark& delivered) noexcept
        : kind_(kind), part_(part), delivered_(delivered) {}

    [[nodiscard]] bool is(text_kind kind, std::int32_t part) const noexcept { return part_ == part && kind_ == kind; }
    [[nodiscard]] text_kind kind() const noexcept { return kind_; }
    [[nodiscard]] std::int32_t part() const noexcept { return part_; }
    [[nodiscard]] bool empty() const noexcept { return delivered_.empty(); }
    [[nodiscard]] std::optional<std::string> rest_of(std::string_view whole) const { return delivered_.rest_of(whole); }
    /// What a whole has brought and no piece has repeated yet.
    [[nodiscard]] std::string_view ahead() const noexcept { return ahead_; }

    /// Takes in a piece, and returns what is new of it: a whole that came before its pieces has brought them.
    std::string_view take(std::string_view piece);
    /// A whole has brought this rest.
    void add_rest(std::string_view rest);

    /// The first half of a surrogate pair with which the latest piece ended, or 0. The next piece begins with the
    /// other.
    char16_t half = 0;
    bool is_whole = false;    ///< An event of its own has shown all of it.
    bool is_claimed = false;  ///< For `streamed_item::missing_of`.

private:
    text_kind kind_;
    std::int32_t part_;
    detail::text_position delivered_;
    std::string ahead_;
};

/// An item of a run's output: a message, a call, reasoning.
class streamed_item {
public:
    explicit streamed_item(std::string_view its_type) : type(its_type) {}

    /// The text of `kind` that is part `part`.
    streamed_text& text(text_kind kind, std::int32_t part);
    [[nodiscard]] const std::vector<streamed_text>& texts() const noexcept { return texts_; }
    [[nodiscard]] std::vector<streamed_text>& texts() noexcept { return texts_; }

    [[nodiscard]] bool knows(std::string_view other) const noexcept;
    void learn(std::string_view other);

    enum class fit { conflicts, unknown, fits };
    /// Whether the whole texts begin with what has been delivered.
    [[nodiscard]] fit compare(const std::vector<whole_text>& wholes) const;

    /// What has not been delivered of the whole texts, which counts as delivered from now on. `entire`: they are all
    /// texts of the item.
    std::vector<missing_text> missing_of(const std::vector<whole_text>& wholes, bool entire);
    /// The same, but nothing counts as delivered.
    [[nodiscard]] std::vector<missing_text> unseen_of(const std::vector<whole_text>& wholes) const;
    /// U+FFFD for each half of a character whose other half has not come.
    std::vector<missing_text> take_halves();

    std::string type;
    std::string id;  ///< Under which its events are delivered: the first one that it had.
    std::optional<std::int32_t> index;
    int uses = 0;             ///< How many events had an id that was known already.
    bool has_own_id = false;  ///< The service has named it.
    bool announced = false;   ///< An event has begun it.
    bool ended = false;       ///< A whole has ended it.
    bool begins_again = false;
    /// Of an output that is an item of its own: the id of the item that is its call.
    std::string call_item;
    /// Of a call that has ended without its output, which may be an item of its own.
    std::shared_ptr<const tool_call> call;
    bool matched = false;  ///< For `streamed_items::find_in_list`.

    /// The id of the message or step that its events are about.
    [[nodiscard]] const std::string& shown_id() const noexcept { return call_item.empty() ? id : call_item; }
    /// Its ids stay the same: another one is another item's.
    [[nodiscard]] bool is_stable() const noexcept { return uses > 1; }

private:
    /// A text in `texts_`, how many wholes it is the beginning of, and what follows it in these.
    struct found_text {
        std::size_t place = 0, count = 0;
        std::string rest;
    };
    [[nodiscard]] found_text find_for(std::span<const whole_text> wholes, bool entire) const;
    streamed_text* find_rewritten(const whole_text& whole, bool entire, std::size_t wholes);
    streamed_text* find_in_order(text_kind kind, std::size_t wholes);
    streamed_text* claim_further(streamed_text& first, std::string& rest);

    std::vector<std::string> other_ids_;
    std::vector<streamed_text> texts_;
};

/// The items of a run that have come so far. The one place that decides which item, and which text of it, an event
/// speaks of, for services that are careless with ids and indexes: docs/identity.md has the rule and its reasons.
///
/// No I/O. The references that its functions return stay good until the next call.
class streamed_items {
public:
    /// The item that an event about an item under way belongs to. A new one if there is none.
    streamed_item& find_for_event(const item_reference& reference);
    /// The same for a piece of a text, which stands in `piece` as in JSON.
    streamed_item& find_for_piece(const item_reference& reference, text_kind kind, std::int32_t part,
                                  std::string_view piece);
    /// The item that an event begins.
    streamed_item& find_for_begin(const item_reference& reference);
    /// The item whose texts, or one of whose texts, an event shows as a whole.
    streamed_item& find_for_whole(const item_reference& reference, const std::vector<whole_text>& whole);
    /// The item that a list of the whole output shows in its turn. Begin each list with `begin_list`. Null if it is
    /// new.
    streamed_item* find_in_list(const item_reference& reference, const std::vector<whole_text>& whole);
    void begin_list() noexcept;
    streamed_item& add_from_list(const item_reference& reference);
    /// The call of `type` that an output belongs to: by the call's id; without one, the last. Null if there is none.
    [[nodiscard]] const streamed_item* find_call(std::string_view type, std::string_view call_id) const noexcept;

    /// The text of a message whose piece came last, if a piece with the same ids and indexes belongs to it too.
    [[nodiscard]] streamed_text* latest_text() noexcept;
    void set_latest(const streamed_item& item, const streamed_text& text) noexcept;

    [[nodiscard]] std::vector<streamed_item>& all() noexcept { return items_; }
    void clear() noexcept;

private:
    streamed_item& add(const item_reference& reference);
    void learn(streamed_item& item, const item_reference& reference);
    streamed_item& found_or_added(streamed_item* found, const item_reference& reference);
    template <class Rank>
    streamed_item* best(const item_reference& reference, bool last_wins, Rank rank);
    [[nodiscard]] bool is_taken(std::string_view id, std::string_view type) const noexcept;

    std::vector<streamed_item> items_;
    std::size_t latest_ = 0, latest_text_ = 0;
    bool has_latest_ = false;
    std::size_t added_ = 0;
};

}  // namespace corun::codec
