#pragma once

#include "program.hpp"

namespace corun::cli {

/// `corun chat`: a conversation at a terminal, or with lines from a pipe.
exit_code chat(program& self);

}  // namespace corun::cli
