#pragma once
#include "api/api_client.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace corun::detail {

/// One JSON call; completes with what `decode` makes of its response. Owns its arguments, so that handles, which come
/// and go, only compose them.
template <class Decode>
asio::awaitable<std::invoke_result_t<Decode, std::string_view>> fetch(std::shared_ptr<api_client> api,
                                                                      std::string method, std::string path,
                                                                      Decode decode, secret body = {},
                                                                      std::string query = {}, redactor secrets = {}) {
    const std::string json = co_await api_client::call(std::move(api), std::move(method), std::move(path),
                                                       std::move(query), std::move(body), std::move(secrets));
    co_return decode(json);
}

/// Deletes an object at the service.
inline asio::awaitable<void> erase(std::shared_ptr<api_client> api, std::string path) {
    (void)co_await api_client::call(std::move(api), "DELETE", std::move(path));
}

/// Sends a request whose response is the object as it is now.
template <class Object>
asio::awaitable<void> update(std::shared_ptr<Object> object, std::string method, std::string path, secret body = {}) {
    const std::string json =
        co_await api_client::call(object->api, std::move(method), std::move(path), {}, std::move(body));
    object->read(json);
}

}  // namespace corun::detail
