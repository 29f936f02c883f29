#include "run/block_pool.hpp"

#include <new>
#include <utility>

namespace corun::run {

block_pool::~block_pool() {
    for (free_block* first : free_)
        while (first) delete[] reinterpret_cast<char*>(std::exchange(first, first->next));
}

block_pool::free_block** block_pool::list_of(std::size_t size) noexcept {
    for (std::size_t i = 0; i != sizes.size(); ++i)
        if (sizes[i] == size) return &free_[i];
    return nullptr;
}

std::shared_ptr<char[]> block_pool::take(std::size_t size) {
    free_block** const list = list_of(size);
    if (!list) return std::make_shared_for_overwrite<char[]>(size);
    char* block = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (*list) {
            block = reinterpret_cast<char*>(std::exchange(*list, (*list)->next));
            kept_ -= size;
        }
    }
    if (!block) block = new char[size];
    return std::shared_ptr<char[]>(block, giver{shared_from_this(), size});
}

void block_pool::give_back(char* block, std::size_t size) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (kept_ + size <= most_kept) {
            free_block** const list = list_of(size);
            *list = ::new (static_cast<void*>(block)) free_block{*list};
            kept_ += size;
            return;
        }
    }
    delete[] block;
}

std::size_t block_pool::kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
}

}  // namespace corun::run
