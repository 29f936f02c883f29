#include "gateway/own_runs.hpp"

#include <algorithm>
#include <vector>

namespace corun::gateway {

std::shared_ptr<owned_run> own_runs::find(const std::string& id) const {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : found->second;
}

void own_runs::drop_oldest(std::size_t until_bytes) {
    std::vector<std::shared_ptr<owned_run>> ended;
    for (const auto& [id, each] : all_)
        if (each->current() == run::state::ended && each->viewers.empty()) ended.push_back(each);
    std::sort(ended.begin(), ended.end(),
              [](const auto& a, const auto& b) { return a->changed_at() < b->changed_at(); });
    for (const auto& each : ended) {
        if (bytes() <= until_bytes) return;
        all_.erase(each->id());
    }
}

std::size_t own_runs::bytes() const noexcept {
    std::size_t sum = 0;
    for (const auto& [id, each] : all_) sum += each->log().bytes() + each->question().size();
    return sum;
}

}  // namespace corun::gateway
