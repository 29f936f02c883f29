#pragma once

#include "program.hpp"

namespace corun::cli {

/// `corun agents|threads|messages|runs|files|stores ...`: the objects that the service stores.
[[nodiscard]] asio::awaitable<exit_code> list_agents(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_agent(program& self);
[[nodiscard]] asio::awaitable<exit_code> create_agent(program& self);
[[nodiscard]] asio::awaitable<exit_code> delete_agents(program& self);

[[nodiscard]] asio::awaitable<exit_code> list_threads(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_thread(program& self);
[[nodiscard]] asio::awaitable<exit_code> create_thread(program& self);
[[nodiscard]] asio::awaitable<exit_code> delete_threads(program& self);

[[nodiscard]] asio::awaitable<exit_code> list_messages(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_message(program& self);
[[nodiscard]] asio::awaitable<exit_code> create_message(program& self);
[[nodiscard]] asio::awaitable<exit_code> delete_messages(program& self);

[[nodiscard]] asio::awaitable<exit_code> list_runs(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_run_object(program& self);
[[nodiscard]] asio::awaitable<exit_code> cancel_run(program& self);

[[nodiscard]] asio::awaitable<exit_code> list_files(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_file(program& self);
[[nodiscard]] asio::awaitable<exit_code> upload_files(program& self);
[[nodiscard]] asio::awaitable<exit_code> download_file(program& self);
[[nodiscard]] asio::awaitable<exit_code> delete_files(program& self);

[[nodiscard]] asio::awaitable<exit_code> list_stores(program& self);
[[nodiscard]] asio::awaitable<exit_code> show_store(program& self);
[[nodiscard]] asio::awaitable<exit_code> create_store(program& self);
[[nodiscard]] asio::awaitable<exit_code> delete_stores(program& self);

}  // namespace corun::cli
