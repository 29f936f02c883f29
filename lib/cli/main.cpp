// corun: the command-line client.
#include "command_line.hpp"
#include "terminal_encoding.hpp"

#include <csignal>

int main(int argc, char** argv) {
    corun::cli::choose_encoding();
    // A reader that leaves is a failure to write, so that the run is cancelled.
    std::signal(SIGPIPE, SIG_IGN);
    return corun::cli::run_command_line(argc, argv);
}
