#pragma once

#include "program.hpp"
#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>
#include <corun/files.hpp>
#include <corun/paged.hpp>
#include <corun/resources.hpp>
#include <corun/vector_store.hpp>

#include <optional>
#include <string>
#include <vector>

namespace corun::cli {

/// What `list` prints of an object, a column each; the first is its id.
[[nodiscard]] std::vector<std::string> columns_of(const agent& value);
[[nodiscard]] std::vector<std::string> columns_of(const agent_thread& value);
[[nodiscard]] std::vector<std::string> columns_of(const thread_message& value);
[[nodiscard]] std::vector<std::string> columns_of(const thread_run& value);
[[nodiscard]] std::vector<std::string> columns_of(const file_info& value);
[[nodiscard]] std::vector<std::string> columns_of(const vector_store& value);

/// The JSON as received.
[[nodiscard]] const std::string& raw_of(const agent& value);
[[nodiscard]] const std::string& raw_of(const agent_thread& value);
[[nodiscard]] const std::string& raw_of(const vector_store& value);
template <class T>
[[nodiscard]] const std::string& raw_of(const T& value) {
    return value.raw;
}

/// Prints JSON: as one line with `--json`, otherwise indented. Header values are hidden.
void print_json(program& self, const std::string& raw);
/// Prints a line whose columns are separated by tabs, and are aligned on a terminal.
void print_columns(program& self, const std::vector<std::string>& columns);

template <class T>
void print_object(program& self, const T& value) {
    print_json(self, raw_of(value));
}

/// Prints up to `--limit` objects, as they arrive.
template <class T>
asio::awaitable<exit_code> print_list(program& self, paged<T> listing) {
    paged<T> objects = std::move(listing);
    for (int count = 0; count < self.options.object.limit || self.options.object.limit == 0; ++count) {
        std::optional<T> each = co_await objects.next();
        if (!each) break;
        if (self.options.output.json)
            print_object(self, *each);
        else
            print_columns(self, columns_of(*each));
    }
    co_return exit_code::completed;
}

}  // namespace corun::cli
