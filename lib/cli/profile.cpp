#include "profile.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdlib>

namespace corun::cli {
namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

std::string profile_folder() {
    const std::string configuration = environment("XDG_CONFIG_HOME");
    return (configuration.empty() ? environment("HOME") + "/.config" : configuration) + "/corun";
}

void add_profile_option(CLI::App& app) {
    // CLI11 looks at the environment after it has read the profile.
    const std::string chosen = environment("CORUN_PROFILE");
    app.set_config("--profile", chosen.empty() ? "default" : chosen,
                   "read options from this profile in ~/.config/corun", !chosen.empty())
        ->type_name("NAME")
        ->transform([](const std::string& name) {
            return name.find('/') == std::string::npos ? profile_folder() + "/" + name + ".ini" : name;
        });
    app.allow_config_extras(CLI::config_extras_mode::error);
}

}  // namespace corun::cli
