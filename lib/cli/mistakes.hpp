#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace corun::cli {

/// What is wrong with a command line that `program` has refused with `problem`, and what to write instead.
[[nodiscard]] std::string explain_mistake(const CLI::App& program, const CLI::ParseError& problem);

}  // namespace corun::cli
