#include "protocol/streamed_items.hpp"

#include "json/text.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <utility>

namespace corun::codec {
namespace {

// No service streams so many at once; with more, what is oldest is forgotten.
constexpr std::size_t most_items = 1024;
constexpr std::size_t most_texts = 1024;
constexpr std::size_t most_ids = 8;

/// Messages and steps are delivered in different events: only within each must ids differ.
bool is_step(std::string_view type) noexcept {
    return type != "message";
}

/// How a reference compares with an item.
struct comparison {
    comparison(const item_reference& reference, const streamed_item& item) noexcept
        : no_id(reference.id.empty() && reference.call_id.empty()),
          no_index(!reference.index),
          same_id(item.knows(reference.id) || item.knows(reference.call_id)),
          other_id(!same_id && !reference.id.empty() && item.has_own_id),
          same_index(reference.index && item.index == reference.index),
          other_index(reference.index && item.index && item.index != reference.index),
          open(!item.ended) {}

    bool no_id, no_index, same_id, other_id, same_index, other_index, open;
};

// The ranks: the best one has the event, and 0 is another item's. What comes to the same in each: index and id
// together, then the index, then the id, then the order of events.

std::string unescaped(std::string_view inside) {
    std::string text;
    json::append_unescaped(text, inside);
    return text;
}

/// What a piece says of the text that it would belong to.
struct piece_facts {
    bool is_text = false;        ///< It is a piece of a text, no other event.
    bool text_is_whole = false;  ///< All of that text has been shown.
    bool repeats = false;        ///< A whole that came before its pieces has shown this one.
};

/// A piece belongs to what is open: what comes after an item has ended is another item, however it is named.
int rank_piece(const comparison& is, const streamed_item& item, const piece_facts& piece) noexcept {
    const bool repeats = piece.repeats;
    if (item.begins_again) return 0;
    const int late = repeats ? 70 : piece.is_text ? 0 : 50;
    if (is.same_index && is.same_id) return is.open ? 100 : late;
    if (is.same_index) return is.open ? 80 : late;
    if (is.same_id) {
        // An item that was announced elsewhere, while nothing is announced there: the index is wrong.
        if (is.other_index) return is.open && item.announced ? 60 : 0;
        return is.open ? 90 : late;
    }
    if (is.other_index) return 0;
    if (is.other_id) {
        if (item.is_stable()) return 0;
        return is.open ? 30 : repeats ? 28 : 0;
    }
    if (is.open) return is.no_id && is.no_index && piece.text_is_whole ? 0 : 40;
    return repeats ? 38 : 0;
}

/// An announcement begins another item, unless it is a late or repeated one.
int rank_begin(const comparison& is, const streamed_item& item) noexcept {
    const bool fresh = !item.announced || item.texts().empty();
    if (is.same_index && is.same_id) return 100;
    if (is.same_index) return is.open && fresh && !(is.other_id && item.announced) ? 80 : 0;
    if (is.same_id) {
        if (is.other_index) return is.open && !item.announced ? 60 : 0;
        return 90;
    }
    if (is.other_index || !is.open || item.announced) return 0;
    return is.other_id && item.is_stable() ? 0 : 40;
}

/// A whole belongs to what it continues. Where nothing can be compared, to what is open.
int rank_whole(const comparison& is, const streamed_item& item, streamed_item::fit fit) noexcept {
    const bool fits = fit == streamed_item::fit::fits;
    const bool conflicts = fit == streamed_item::fit::conflicts;
    if (item.begins_again && !fits) return 0;
    if (is.same_index && is.same_id) return fits ? 110 : conflicts ? is.open ? 64 : 0 : is.open ? 105 : 100;
    if (is.same_index) {
        if (fits) return 90;
        if (!conflicts) return is.open ? 80 : is.other_id ? 0 : 70;
        if (is.other_id) return is.open && !item.is_stable() ? 40 : 0;
        return is.open ? 40 : 30;
    }
    if (is.same_id) {
        if (fits) return 85;
        if (!conflicts) return is.open ? 75 : is.other_index ? 0 : 65;
        return is.open && !is.other_index ? 40 : 0;
    }
    if (is.other_index) return fits && is.open && !item.is_stable() ? 45 : 0;
    if (is.other_id) {
        if (item.is_stable()) return fits && is.open ? 44 : 0;
        if (fits) return is.open ? 55 : 54;
        return !is.open ? 0 : conflicts ? 15 : 35;
    }
    if (fits) return 58;
    return !is.open ? 0 : conflicts ? 18 : 48;
}

/// In a list, the place says little: lists leave items out. The items that they show have mostly ended.
int rank_listed(comparison is, const streamed_item& item, streamed_item::fit fit) noexcept {
    if (item.matched) return 0;
    is.other_index = false;
    const int rank = rank_whole(is, item, fit);
    if (rank != 0) return rank;
    if (fit == streamed_item::fit::fits) return 44;
    // A text that was rewritten under another id.
    return is.same_index || is.same_id ? 12 : 0;
}

}  // namespace

// streamed_text

std::string_view streamed_text::take(std::string_view piece) {
    const std::string_view ahead(ahead_);
    if (!ahead.empty()) {
        if (ahead.starts_with(piece)) {
            ahead_.erase(0, piece.size());
            return {};
        }
        if (piece.starts_with(ahead)) piece.remove_prefix(ahead.size());
        ahead_.clear();
    }
    delivered_.append(piece);
    return piece;
}

void streamed_text::add_rest(std::string_view rest) {
    half = 0;
    delivered_.append(rest);
    ahead_ += rest;
}

// streamed_item

streamed_text& streamed_item::text(text_kind kind, std::int32_t part) {
    for (streamed_text& each : texts_)
        if (each.is(kind, part)) return each;
    if (texts_.size() == most_texts) return texts_.back();
    return texts_.emplace_back(kind, part);
}

bool streamed_item::knows(std::string_view other) const noexcept {
    if (other.empty()) return false;
    if (has_own_id && id == other) return true;
    return std::find(other_ids_.begin(), other_ids_.end(), other) != other_ids_.end();
}

void streamed_item::learn(std::string_view other) {
    if (other.empty()) return;
    if (knows(other)) {
        uses = std::min(uses + 1, 2);
        return;
    }
    if (other_ids_.size() == most_ids) other_ids_.erase(other_ids_.begin());
    other_ids_.emplace_back(other);
    has_own_id = true;
}

/// The text that these wholes, from the first on, are the whole of: by position, then by content. One text may have
/// been streamed for several wholes, where nothing numbers them.
streamed_item::found_text streamed_item::find_for(std::span<const whole_text> wholes, bool entire) const {
    const whole_text& first = wholes.front();
    std::string joined;
    for (std::size_t count = 1; count <= wholes.size(); ++count) {
        const whole_text& latest = wholes[count - 1];
        if (latest.kind != first.kind) continue;
        joined += latest.text;
        for (const bool in_place : {true, false})
            for (std::size_t i = 0; i != texts_.size(); ++i) {
                const streamed_text& each = texts_[i];
                if (each.kind() != first.kind || each.is_claimed || each.empty()) continue;
                if (in_place ? each.part() != first.part : each.is_whole && !entire) continue;
                if (auto rest = each.rest_of(joined)) return {i, count, std::move(*rest)};
            }
    }
    return {};
}

streamed_item::fit streamed_item::compare(const std::vector<whole_text>& wholes) const {
    fit found = fit::unknown;
    for (std::size_t at = 0; at != wholes.size(); ++at) {
        const whole_text& each = wholes[at];
        if (each.text.empty()) continue;
        const bool comparable = std::any_of(texts_.begin(), texts_.end(), [&](const streamed_text& known) {
            return known.kind() == each.kind && !known.empty();
        });
        if (!comparable) continue;
        if (find_for(std::span(wholes).subspan(at), true).count != 0) return fit::fits;
        found = fit::conflicts;
    }
    return found;
}

/// The text that was streamed in place of a whole that says something else: by order, where there are enough.
streamed_text* streamed_item::find_in_order(text_kind kind, std::size_t wholes) {
    streamed_text* first = nullptr;
    std::size_t count = 0;
    for (streamed_text& each : texts_) {
        if (each.kind() != kind || each.empty()) continue;
        ++count;
        if (!each.is_claimed && first == nullptr) first = &each;
    }
    return count >= wholes ? first : nullptr;
}

/// The text that shows nothing of this whole, and yet was streamed in its place.
streamed_text* streamed_item::find_rewritten(const whole_text& whole, bool entire, std::size_t wholes) {
    for (streamed_text& each : texts_)
        if (each.is(whole.kind, whole.part) && !each.empty() && !each.is_claimed) return &each;
    return entire ? find_in_order(whole.kind, wholes) : nullptr;
}

std::vector<missing_text> streamed_item::missing_of(const std::vector<whole_text>& wholes, bool entire) {
    std::vector<missing_text> missing;
    for (std::size_t at = 0; at != wholes.size(); ++at) {
        const whole_text& each = wholes[at];
        if (each.text.empty()) continue;
        const auto count = static_cast<std::size_t>(std::count_if(
            wholes.begin(), wholes.end(), [&](const whole_text& w) { return w.kind == each.kind && !w.text.empty(); }));
        found_text found = find_for(std::span(wholes).subspan(at), entire);
        streamed_text* known = found.count != 0 ? &texts_[found.place] : find_rewritten(each, entire, count);
        if (known == nullptr) {
            known = &text(each.kind, each.part);
            found.rest = each.text;
        }
        known->is_claimed = true;
        if (entire && count == 1) known = claim_further(*known, found.rest);
        if (!entire) known->is_whole = true;
        if (found.count > 1) at += found.count - 1;
        if (found.rest.empty()) continue;
        known->add_rest(found.rest);
        missing.push_back({known->kind(), known->part(), std::move(found.rest)});
    }
    for (streamed_text& each : texts_) each.is_claimed = false;
    return missing;
}

/// One whole of what was streamed as several texts: what is missing follows the last of them.
streamed_text* streamed_item::claim_further(streamed_text& first, std::string& rest) {
    streamed_text* last = &first;
    for (streamed_text& next : texts_) {
        if (rest.empty()) break;
        if (next.kind() != first.kind() || next.is_claimed || next.empty()) continue;
        auto after = next.rest_of(rest);
        if (!after) break;
        rest = std::move(*after);
        next.is_claimed = true;
        last = &next;
    }
    return last;
}

std::vector<missing_text> streamed_item::take_halves() {
    std::vector<missing_text> halves;
    for (streamed_text& each : texts_) {
        if (each.half == 0) continue;
        each.add_rest(utf8::replacement_character);
        halves.push_back({each.kind(), each.part(), std::string(utf8::replacement_character)});
    }
    return halves;
}

std::vector<missing_text> streamed_item::unseen_of(const std::vector<whole_text>& wholes) const {
    streamed_item copy = *this;
    return copy.missing_of(wholes, true);
}

// streamed_items

template <class Rank>
streamed_item* streamed_items::best(const item_reference& reference, bool last_wins, Rank rank) {
    streamed_item* found = nullptr;
    int highest = 0;
    for (streamed_item& each : items_) {
        if (each.type != reference.type) continue;
        const int its = rank(comparison(reference, each), each);
        if (its == 0 || its < highest || (its == highest && !last_wins)) continue;
        found = &each;
        highest = its;
    }
    return found;
}

bool streamed_items::is_taken(std::string_view id, std::string_view type) const noexcept {
    return std::any_of(items_.begin(), items_.end(),
                       [&](const streamed_item& each) { return each.id == id && is_step(each.type) == is_step(type); });
}

streamed_item& streamed_items::add(const item_reference& reference) {
    has_latest_ = false;
    if (items_.size() == most_items) items_.erase(items_.begin());
    streamed_item added(reference.type);
    added.index = reference.index;
    added.has_own_id = !reference.id.empty();
    const std::string place =
        "item_" + std::to_string(reference.index ? static_cast<std::size_t>(*reference.index) : added_);
    added.id = added.has_own_id ? std::string(reference.id) : place;
    ++added_;
    // One id for two items: the second goes by its place.
    if (is_taken(added.id, reference.type)) {
        added.id = place;
        added.learn(reference.id);
        for (std::size_t i = 1; is_taken(added.id, reference.type); ++i) added.id = place + '_' + std::to_string(i);
    }
    if (!added.knows(reference.call_id)) added.learn(reference.call_id);
    added.uses = 1;
    return items_.emplace_back(std::move(added));
}

void streamed_items::learn(streamed_item& item, const item_reference& reference) {
    item.learn(reference.id);
    if (!reference.call_id.empty() && !item.knows(reference.call_id)) item.learn(reference.call_id);
    if (item.index || !reference.index) return;
    item.index = reference.index;
    has_latest_ = false;
}

streamed_item& streamed_items::found_or_added(streamed_item* found, const item_reference& reference) {
    if (found == nullptr) return add(reference);
    learn(*found, reference);
    return *found;
}

streamed_item& streamed_items::find_for_event(const item_reference& reference) {
    streamed_item* const found = best(reference, true, [](const comparison& is, const streamed_item& item) {
        return rank_piece(is, item, piece_facts());
    });
    return found_or_added(found, reference);
}

streamed_item& streamed_items::find_for_piece(const item_reference& reference, text_kind kind, std::int32_t part,
                                              std::string_view piece) {
    streamed_item* const found = best(reference, true, [&](const comparison& is, const streamed_item& item) {
        piece_facts facts;
        facts.is_text = true;
        for (const streamed_text& each : item.texts()) {
            if (!each.is(kind, part)) continue;
            facts.repeats = !piece.empty() && !each.ahead().empty() && each.ahead().starts_with(unescaped(piece));
            facts.text_is_whole = each.is_whole && !facts.repeats;
        }
        return rank_piece(is, item, facts);
    });
    return found_or_added(found, reference);
}

streamed_item& streamed_items::find_for_begin(const item_reference& reference) {
    streamed_item* const found =
        best(reference, true, [](const comparison& is, const streamed_item& item) { return rank_begin(is, item); });
    if (found == nullptr) {
        streamed_item& added = add(reference);
        added.announced = true;
        return added;
    }
    learn(*found, reference);
    found->announced = true;
    // A repetition, or another item of the same id: what follows decides.
    if (found->ended) found->begins_again = true;
    return *found;
}

streamed_item& streamed_items::find_for_whole(const item_reference& reference, const std::vector<whole_text>& whole) {
    streamed_item* const found = best(reference, false, [&](const comparison& is, const streamed_item& item) {
        return rank_whole(is, item, item.compare(whole));
    });
    return found_or_added(found, reference);
}

void streamed_items::begin_list() noexcept {
    for (streamed_item& each : items_) each.matched = false;
}

streamed_item* streamed_items::find_in_list(const item_reference& reference, const std::vector<whole_text>& whole) {
    streamed_item* const found = best(reference, false, [&](const comparison& is, const streamed_item& item) {
        return rank_listed(is, item, item.compare(whole));
    });
    if (found == nullptr) return nullptr;
    found->matched = true;
    found->learn(reference.id);
    return found;
}

streamed_item& streamed_items::add_from_list(const item_reference& reference) {
    streamed_item& added = add(reference);
    added.matched = true;
    return added;
}

const streamed_item* streamed_items::find_call(std::string_view type, std::string_view call_id) const noexcept {
    const auto found = std::find_if(items_.rbegin(), items_.rend(), [&](const streamed_item& each) {
        return each.type == type && (call_id.empty() || each.knows(call_id));
    });
    return found == items_.rend() ? nullptr : &*found;
}

streamed_text* streamed_items::latest_text() noexcept {
    if (!has_latest_) return nullptr;
    streamed_item& item = items_[latest_];
    if (item.ended || item.begins_again) return nullptr;
    item.uses = 2;
    return &item.texts()[latest_text_];
}

void streamed_items::set_latest(const streamed_item& item, const streamed_text& text) noexcept {
    has_latest_ = false;
    for (std::size_t i = items_.size(); i-- != 0 && !has_latest_;) {
        if (&items_[i] != &item) continue;
        latest_ = i;
        latest_text_ = static_cast<std::size_t>(&text - item.texts().data());
        has_latest_ = item.has_own_id;
    }
}

void streamed_items::clear() noexcept {
    items_.clear();
    has_latest_ = false;
    added_ = 0;
}

}  // namespace corun::codec
