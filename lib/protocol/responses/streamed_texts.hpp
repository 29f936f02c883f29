#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace corun::codec::responses {

/// The texts that come in deltas.
enum class text_kind { none, text, refusal, reasoning, summary, arguments };

/// Which texts have come in deltas.
class streamed_texts {
public:
    void add(text_kind kind, std::string_view item_id, std::int32_t index) {
        latest_plain_ = {};
        if (latest_ < texts_.size() && texts_[latest_].is(kind, item_id, index)) return;
        latest_ = static_cast<std::size_t>(find(kind, item_id, index) - texts_.begin());
        // No service streams so many at once; at worst, one beyond them is delivered twice.
        constexpr std::size_t most = 1024;
        if (latest_ == texts_.size() && texts_.size() < most) texts_.push_back({kind, std::string(item_id), index});
    }

    /// The item whose text came latest, if its id is the same in JSON, and which part of it.
    [[nodiscard]] std::string_view latest_item() const noexcept { return latest_plain_; }
    [[nodiscard]] bool latest_is(std::int32_t index) const noexcept {
        return latest_ < texts_.size() && texts_[latest_].index == index;
    }
    void add_plain(std::string_view item_id, std::int32_t index) {
        add(text_kind::text, item_id, index);
        latest_plain_ = latest_ < texts_.size() ? std::string_view(texts_[latest_].item_id) : std::string_view();
    }

    [[nodiscard]] bool contain(text_kind kind, std::string_view item_id, std::int32_t index) const {
        return find(kind, item_id, index) != texts_.end();
    }

    /// Its storage may go.
    void forget_latest() noexcept { latest_plain_ = {}; }

    void erase(std::string_view item_id) {
        latest_plain_ = {};
        std::erase_if(texts_, [item_id](const streamed_text& each) { return each.item_id == item_id; });
    }
    void clear() noexcept {
        latest_plain_ = {};
        texts_.clear();
    }

private:
    struct streamed_text {
        text_kind kind;
        std::string item_id;
        std::int32_t index;

        [[nodiscard]] bool is(text_kind other, std::string_view item, std::int32_t part) const noexcept {
            return index == part && kind == other && item_id == item;
        }
    };

    [[nodiscard]] std::vector<streamed_text>::const_iterator find(text_kind kind, std::string_view item_id,
                                                                  std::int32_t index) const {
        return std::find_if(texts_.begin(), texts_.end(),
                            [&](const streamed_text& each) { return each.is(kind, item_id, index); });
    }

    std::vector<streamed_text> texts_;
    std::size_t latest_ = 0;
    std::string_view latest_plain_;  ///< Into `texts_`; reset by all that changes it.
};

}  // namespace corun::codec::responses
