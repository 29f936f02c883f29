#pragma once
#include "protocol/resource_codec.hpp"

namespace corun::codec::responses {

extern const resource_codec resources;

}  // namespace corun::codec::responses
