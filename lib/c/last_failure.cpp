#include "c/last_failure.hpp"

#include <asio/error.hpp>

#include <system_error>
#include <utility>

namespace corun::c {
namespace {

thread_local failure last;

std::string name_of(const std::error_code& code) {
    if (code.category() == category()) return std::string(to_string(static_cast<errc>(code.value())));
    return code == asio::error::operation_aborted ? "cancelled" : code.category().name();
}

}  // namespace

const failure& last_failure() noexcept {
    return last;
}

void remember(failure occurred) noexcept {
    last = std::move(occurred);
}

failure failure_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        return {name_of(e.code()), e.what()};
    } catch (const std::exception& e) {
        return {"other", e.what()};
    }
}

}  // namespace corun::c
