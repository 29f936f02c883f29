#pragma once
#include "emulator/http/api_request.hpp"

#include <optional>

namespace corun::emulator {

/// Answers for models, as OpenAI lists them, and for the deployments and connections of a project. Every model exists:
/// scripts decide what it does. Nothing if the request is for something else. Throws `api_error`.
std::optional<json> serve_models(const api_request& request);

}  // namespace corun::emulator
