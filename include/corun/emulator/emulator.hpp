#pragma once
#include <corun/export.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corun::emulator {
// designed by the emulator's builder; see the brief
}
