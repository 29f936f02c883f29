#include "terminal_encoding.hpp"

#include <langinfo.h>

#include <clocale>
#include <string_view>

namespace corun::cli {
namespace {

bool is_utf8 = false;

}  // namespace

void choose_encoding() {
    std::setlocale(LC_CTYPE, "");
    is_utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    if (!is_utf8) std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool uses_unicode() noexcept {
    return is_utf8;
}

}  // namespace corun::cli
