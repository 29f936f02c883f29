#include "secret_source.hpp"

#include "exit_code.hpp"
#include <corun/error.hpp>
#include <corun/headers.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

namespace corun::cli {
namespace {

std::string output_of(const std::string& command, const std::string& problem) {
    std::FILE* const pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) throw error(errc::credential_failed, problem + "the command could not be started");
    std::string text;
    char part[4096];
    while (const std::size_t size = std::fread(part, 1, sizeof part, pipe)) text.append(part, size);
    if (::pclose(pipe) != 0) {
        wipe(text);
        throw error(errc::credential_failed, problem + "the command failed");
    }
    return text;
}

std::string contents_of(const std::string& path, const std::string& problem) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw error(errc::credential_failed, problem + "cannot read the file " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string environment(const std::string& name, const std::string& problem) {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) throw error(errc::credential_failed, problem + "the variable " + name + " is not set");
    return value;
}

}  // namespace

secret_source::secret_source(std::string option, kind type, std::string name)
    : option_(std::move(option)), type_(type), name_(std::move(name)) {}

secret_source secret_source::parse(const std::string& option, std::string_view text) {
    const std::pair<std::string_view, kind> kinds[] = {
        {"@env:", kind::environment}, {"@file:", kind::file}, {"@command:", kind::command}};
    for (const auto& [prefix, type] : kinds)
        if (text.starts_with(prefix) && text.size() > prefix.size())
            return secret_source(option, type, std::string(text.substr(prefix.size())));
    throw usage_error(option +
                      ": a secret on the command line is visible to other processes. Use @env:NAME, @file:PATH or "
                      "@command:COMMAND");
}

secret secret_source::read() const {
    const std::string problem = option_ + ": ";
    std::string text = type_ == kind::environment ? environment(name_, problem)
                       : type_ == kind::file      ? contents_of(name_, problem)
                                                  : output_of(name_, problem);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) throw error(errc::credential_failed, problem + "the secret is empty");
    return secret(std::move(text));
}

mcp_header_option mcp_header_option::parse(const std::string& option, std::string_view text) {
    const auto equals = text.find('=');
    const auto colon = text.substr(0, equals).rfind(':');
    if (equals == text.npos || colon == text.npos || colon == 0)
        throw usage_error(option + ": write LABEL:NAME=SOURCE, such as bookings:Authorization=@env:BOOKINGS_AUTH");
    const std::string name(text.substr(colon + 1, equals - colon - 1));
    // It may be part of a secret, so it is not repeated.
    if (!is_header_name(name)) throw usage_error(option + ": between ':' and '=' is no name of a header");
    return {std::string(text.substr(0, colon)), name, "",
            secret_source::parse(option + " " + std::string(text.substr(0, equals)), text.substr(equals + 1))};
}

mcp_header_option mcp_header_option::parse_token(const std::string& option, std::string_view text) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0)
        throw usage_error(option + ": write LABEL=SOURCE, such as bookings=@env:BOOKINGS_TOKEN");
    const std::string label(text.substr(0, equals));
    return {label, "Authorization", "Bearer ", secret_source::parse(option + " " + label, text.substr(equals + 1))};
}

secret mcp_header_option::value() const {
    const secret read = source.read();
    return secret(prefix + std::string(read.reveal()));
}

}  // namespace corun::cli
