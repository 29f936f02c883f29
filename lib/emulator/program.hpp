#pragma once

#include <string>

namespace corun::emulator {

/// The emulator as a program: reads the command line, prints where the service listens, and serves until SIGINT or
/// SIGTERM. Returns the exit status. `name` is how messages and the help call the program.
int run_program(const std::string& name, int argc, char** argv);

}  // namespace corun::emulator
