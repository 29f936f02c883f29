#pragma once
#include "protocol/responses/objects.hpp"

#include <string>
#include <vector>

/// Which items of a response wait for an answer of the caller's.
namespace corun::codec::responses {

/// May wait, if nothing else answers it: by the item itself, or by its type.
bool is_pending(const item& source) noexcept;
/// Whether it may wait, or may show that another item does not.
bool concerns_action(const item& source) noexcept;

/// Gives the run of `source` the action it waits for: of one that is completed any; of one that is incomplete a consent
/// of its user. What has come in `seen` counts too, for the types of which the output has none.
void set_action(response& source, const std::vector<std::string>& seen);

}  // namespace corun::codec::responses
