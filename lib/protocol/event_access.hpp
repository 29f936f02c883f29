#pragma once
#include <corun/event.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

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
            return set_member(target, Body(), index_of<Body>);
        } else {
            auto stored = std::make_shared<stored_body<Body>>();
            stored->bytes = std::move(storage);
            Body& body = set_member(target, stored.get(), index_of<Body>)->body;
            target.storage_ = std::move(stored);
            return body;
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
        const auto call = [&change](auto& member) {
            change(const_cast<std::remove_cvref_t<decltype(body_of(member))>&>(body_of(member)));
        };
        event::body_types::visit(call, target.index_, target.body_);
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
        event::body_types::visit(set, target.index_, target.body_);
    }

private:
    template <class Body>
    static constexpr auto index_of = static_cast<std::uint8_t>(event::body_types::index_of<Body>());

    template <class Member>
    static Member& set_member(event& target, Member member, std::uint8_t index) {
        target.index_ = index;
        return *::new (static_cast<void*>(target.body_)) Member(member);
    }
};

}  // namespace corun::detail
