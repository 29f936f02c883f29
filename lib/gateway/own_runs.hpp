#pragma once
#include "gateway/owned_run.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace corun::gateway {

/// The runs of this gateway, with their logs, until these are not needed any more.
class own_runs {
public:
    using runs = std::map<std::string, std::shared_ptr<owned_run>>;

    void add(const std::shared_ptr<owned_run>& begun) { all_.emplace(begun->id(), begun); }
    /// Null if there is none.
    [[nodiscard]] std::shared_ptr<owned_run> find(const std::string& id) const;
    [[nodiscard]] bool contains(const std::string& id) const { return all_.contains(id); }
    /// Forgets a run: it is another gateway's, or nobody may read it any more.
    void drop(const std::string& id) { all_.erase(id); }
    runs::const_iterator drop(runs::const_iterator at) { return all_.erase(at); }
    /// Forgets ended runs that nobody watches, the oldest first, until the others take this much memory at most.
    void drop_oldest(std::size_t until_bytes);

    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    /// What the logs and questions take.
    [[nodiscard]] std::size_t bytes() const noexcept;
    [[nodiscard]] runs::const_iterator begin() const noexcept { return all_.begin(); }
    [[nodiscard]] runs::const_iterator end() const noexcept { return all_.end(); }

private:
    runs all_;
};

}  // namespace corun::gateway
