#pragma once
#include "protocol/resource_codec.hpp"

namespace corun::codec::threads {

extern const resource_codec resources;

}  // namespace corun::codec::threads
