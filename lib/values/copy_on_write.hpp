#pragma once
#include <memory>
#include <utility>

namespace corun::detail {

/// A value that copies share until one of them changes it. A default one needs no memory.
///
/// *Threads:* Copies of one value may be used by several threads, each by one.
template <class T>
class copy_on_write {
public:
    copy_on_write() : value_(default_value()) {}
    explicit copy_on_write(T value) : value_(std::make_shared<T>(std::move(value))) {}

    const T& operator*() const noexcept { return *value_; }
    const T* operator->() const noexcept { return value_.get(); }

    /// The value of this copy alone.
    T& change() {
        if (value_.use_count() != 1) value_ = std::make_shared<T>(*value_);
        return *value_;
    }

private:
    static const std::shared_ptr<T>& default_value() {
        static const std::shared_ptr<T> value = std::make_shared<T>();
        return value;
    }

    std::shared_ptr<T> value_;
};

}  // namespace corun::detail
