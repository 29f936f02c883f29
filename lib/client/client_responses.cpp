// The members of `client` that only the Responses protocol has.
#include "api/api_objects.hpp"
#include "api/fetch.hpp"
#include "api/listing.hpp"
#include <corun/client.hpp>

#include <utility>

namespace corun {

using detail::require;

paged<response_item> client::list_input_items(std::string response_id, list_options options) {
    const auto* codec = require(*api_, api_->resources.responses, "client::list_input_items");
    std::string path = path_of_run(*api_, run_position(std::move(response_id))) + "/input_items";
    return detail::list<response_item>(api_, std::move(path), std::move(options), codec->decode_input_item);
}

asio::awaitable<compacted_response> client::compact(model_input input) {
    const auto* codec = require(*api_, api_->resources.responses, "client::compact");
    secret body = codec->encode_compact(input);
    return detail::fetch(api_, "POST", api_->openai_path() + "/responses/compact", codec->decode_compacted,
                         std::move(body));
}

asio::awaitable<std::int64_t> client::count_input_tokens(model_input input) {
    const auto* codec = require(*api_, api_->resources.responses, "client::count_input_tokens");
    secret body = codec->encode_count(input);
    return detail::fetch(api_, "POST", api_->openai_path() + "/responses/input_tokens", codec->decode_count,
                         std::move(body));
}

}  // namespace corun
