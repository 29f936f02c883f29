#pragma once
#include <corun/event.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace corun::detail {

/// How events are made. The caller sees to it that `name`, `raw` and every view in the body lie in
/// `storage`, or live as long as the program.
struct event_access {
    /// Makes `target` an event that says `Body`, and returns that body to be filled in.
    template <class Body>
    static Body& emplace(event& target, std::string_view name, std::string_view raw,
                         std::shared_ptr<const void> storage, bool continues = false) {
        target.name_ = name;
        target.raw_ = raw;
        target.storage_ = std::move(storage);
        target.problem_ = {};
        target.continues_ = continues;
        return target.body_.emplace<Body>();
    }

    template <class Body>
    static event make(Body body, std::string_view name, std::string_view raw, std::shared_ptr<const void> storage,
                      bool continues = false) {
        event made;
        emplace<Body>(made, name, raw, std::move(storage), continues) = std::move(body);
        return made;
    }

    /// `problem` lies in the event's storage.
    static void set_problem(event& target, std::string_view problem) noexcept { target.problem_ = problem; }

    static event::body_type& body(event& target) noexcept { return target.body_; }

    /// Makes the event hold other storage, such as one that keeps the first alive as well.
    static void set_storage(event& target, std::shared_ptr<const void> storage) {
        target.storage_ = std::move(storage);
    }
};

}  // namespace corun::detail
