// corun: the command-line client.
#include "command_line.hpp"

#include <clocale>
#include <csignal>

int main(int argc, char** argv) {
    // Characters that are wider than a column, and the line editor, need the user's encoding.
    std::setlocale(LC_CTYPE, "");
    // A reader that leaves is a failure to write, so that the run is cancelled.
    std::signal(SIGPIPE, SIG_IGN);
    return corun::cli::run_command_line(argc, argv);
}
