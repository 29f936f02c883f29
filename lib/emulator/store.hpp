#pragma once
#include "emulator/json.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace corun::emulator {

/// The page that a listing asks for.
struct page_request {
    page_request() = default;

    std::size_t limit = 20;
    bool ascending = false;
    std::string after, before;
};

/// An object of the service: its id and its JSON.
struct record {
    record() = default;
    explicit record(json value) : id(get_string(value, "id")), object(std::move(value)) {}

    std::string id;
    json object;
};

/// Records in order of creation.
template <class T>
class store {
public:
    void add(std::shared_ptr<T> item) {
        places_[item->id] = next_;
        items_.emplace(next_++, std::move(item));
    }
    std::shared_ptr<T> find(const std::string& id) const {
        const auto place = places_.find(id);
        return place == places_.end() ? nullptr : items_.at(place->second);
    }
    bool erase(const std::string& id) {
        const auto place = places_.find(id);
        if (place == places_.end()) return false;
        items_.erase(place->second);
        places_.erase(place);
        return true;
    }
    [[nodiscard]] const std::map<std::uint64_t, std::shared_ptr<T>>& items() const noexcept { return items_; }

    /// A page of the records that `wanted` accepts, as `view` shows them; nothing when a cursor is unknown.
    template <class Wanted, class View>
    std::optional<json> page(const page_request& request, Wanted wanted, View view) const {
        std::uint64_t lowest = 0, highest = next_;  // [lowest, highest)
        for (const auto& [cursor, is_after] : {std::pair{&request.after, true}, std::pair{&request.before, false}}) {
            if (cursor->empty()) continue;
            const auto place = places_.find(*cursor);
            if (place == places_.end()) return std::nullopt;
            if (is_after == request.ascending)
                lowest = std::max(lowest, place->second + 1);
            else
                highest = std::min(highest, place->second);
        }
        // A page before a cursor is the one next to it.
        const bool from_the_end = request.after.empty() && !request.before.empty();
        std::vector<const T*> found;
        bool more = false;
        const auto take = [&](auto i, auto last) {
            for (; i != last; ++i) {
                if (!wanted(*i->second)) continue;
                if ((more = found.size() == request.limit)) break;
                found.push_back(i->second.get());
            }
        };
        const auto first = items_.lower_bound(lowest), last = items_.lower_bound(std::max(lowest, highest));
        if (request.ascending != from_the_end)
            take(first, last);
        else
            take(std::make_reverse_iterator(last), std::make_reverse_iterator(first));
        if (from_the_end) std::reverse(found.begin(), found.end());

        json result;
        result["object"] = "list";
        result["data"] = json::array();
        for (const T* item : found) result["data"].push_back(view(*item));
        result["first_id"] = found.empty() ? json(nullptr) : json(found.front()->id);
        result["last_id"] = found.empty() ? json(nullptr) : json(found.back()->id);
        result["has_more"] = more;
        return result;
    }

private:
    std::map<std::uint64_t, std::shared_ptr<T>> items_;
    std::unordered_map<std::string, std::uint64_t> places_;
    std::uint64_t next_ = 0;
};

}  // namespace corun::emulator
