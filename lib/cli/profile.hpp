#pragma once

#include <string>

namespace CLI {
class App;
}

namespace corun::cli {

/// The folder of profiles: `corun` in XDG_CONFIG_HOME, or in ~/.config.
[[nodiscard]] std::string profile_folder();

/// Adds `--profile NAME`: a file `NAME.ini` in that folder whose lines set options, such as `agent = asst_1`. Without
/// the option, CORUN_PROFILE names it; without that, `default.ini` is read if it exists.
void add_profile_option(CLI::App& app);

}  // namespace corun::cli
