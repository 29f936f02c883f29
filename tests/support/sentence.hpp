#pragma once
#include <exception>
#include <string>

namespace corun::test {

/// The text of an exception without the name of its `errc` at the end.
inline std::string sentence_of(const std::exception& failure) {
    std::string text = failure.what();
    if (text.ends_with(']')) text.erase(text.rfind(" ["));
    return text;
}

}  // namespace corun::test
