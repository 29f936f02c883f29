#pragma once
#include "gateway/json.hpp"
#include "gateway/run.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::gateway {

/// What a gateway asks another one to do with a run.
json stop_command();
json answer_command(const submission& answers);
/// The answers in such a command, and in the body of `POST /runs/ID/answers`.
submission answers_in(const json& body);

/// Does what a command asks for. Throws what `run::answer` and `run::stop` throw.
asio::awaitable<void> carry_out(std::shared_ptr<run> on, json command);

/// The outcome of a command for the gateway that has sent it, and back: `check_outcome` throws.
json outcome_of(std::exception_ptr failure);
void check_outcome(const json& outcome);

}  // namespace corun::gateway
