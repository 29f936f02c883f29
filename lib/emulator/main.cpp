// corun-emulator: the service as a program.
#include "program.hpp"

int main(int argc, char** argv) {
    return corun::emulator::run_program("corun-emulator", argc, argv);
}
