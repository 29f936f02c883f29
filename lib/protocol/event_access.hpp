#pragma once
#include <corun/event.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace corun::detail {

/// How events are made. The caller sees to it that `name`, `raw` and every view in the body lie in
/// `storage`, or live as long as the program.
struct event_access {
    /// Makes `target` an event with a `Body`, and returns that body to be filled in.
    template <class Body>
    static Body& emplace(event& target, std::string_view name, std::string_view raw,
                         std::shared_ptr<const void> storage, bool continues = false) {
        target.name_ = name;
        target.raw_ = raw;
        target.problem_ = {};
        target.continues_ = continues;
        if constexpr (is_small_body<Body>) {
            target.storage_ = std::move(storage);
            return target.body_.emplace<Body>();
        } else {
            auto stored = std::make_shared<stored_body<Body>>();
            stored->bytes = std::move(storage);
            target.body_.emplace<stored_body<Body>*>(stored.get());
            target.storage_ = std::move(stored);
            return std::get<stored_body<Body>*>(target.body_)->body;
        }
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

    /// Calls `change` with the body. The event must not have been copied.
    template <class Change>
    static void change_body(event& target, Change change) {
        std::visit(
            [&change](auto& member) {
                change(const_cast<std::remove_cvref_t<decltype(body_of(member))>&>(body_of(member)));
            },
            target.body_);
    }

    /// Makes the event hold other bytes, such as those that keep the first alive as well. The event must not have been
    /// copied.
    static void set_storage(event& target, std::shared_ptr<const void> storage) {
        const auto set = [&]<class Member>(Member& member) {
            if constexpr (std::is_pointer_v<Member>)
                member->bytes = std::move(storage);
            else
                target.storage_ = std::move(storage);
        };
        std::visit(set, target.body_);
    }
};

}  // namespace corun::detail
