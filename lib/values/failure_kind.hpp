#pragma once
#include <string_view>

namespace corun::detail {

/// What a failure that the service reports means for another try.
enum class failure_kind {
    other,
    rate_limit,  ///< Too many requests or tokens; passes.
    overload,    ///< The service has no capacity; passes.
    transient,   ///< The service advises to try again, and does not say why. The request may have been carried out.
    quota,       ///< Nothing is left to pay with: does not pass by itself.
};

/// The kind by the code of the failure, and by its message if the code does not tell.
[[nodiscard]] failure_kind failure_kind_of(std::string_view code, std::string_view message) noexcept;

/// The request was refused for now, and not carried out.
[[nodiscard]] constexpr bool is_refused_for_now(failure_kind kind) noexcept {
    return kind == failure_kind::rate_limit || kind == failure_kind::overload;
}

}  // namespace corun::detail
