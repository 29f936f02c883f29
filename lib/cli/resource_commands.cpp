#include "resource_commands.hpp"

#include "object_output.hpp"
#include <corun/prompt_agent.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace corun::cli {
namespace {

client service_of(program& self) {
    return make_client(self.context.get_executor(), self.options.connection);
}

const std::string& id_of(program& self) {
    return self.options.object.ids.at(0);
}

/// Removes each object that is named, and prints its id.
template <class Remove>
asio::awaitable<exit_code> remove_each(program& self, Remove remove) {
    const Remove keep = std::move(remove);
    for (const std::string& id : self.options.object.ids) {
        co_await keep(id);
        self.out.line(id);
    }
    co_return exit_code::completed;
}

/// Shows how much of a file is sent, on a terminal.
std::function<void(std::uint64_t, std::uint64_t)> progress_of(program& self, std::string name) {
    if (!self.out.shows_progress()) return {};
    return [&out = self.out, name = std::move(name)](std::uint64_t sent, std::uint64_t total) {
        out.progress(name + ": " + std::to_string(total == 0 ? 100 : sent * 100 / total) + " %", sent == total);
    };
}

run_position position_of(program& self) {
    return run_position(id_of(self), self.options.run.thread);
}

}  // namespace

asio::awaitable<exit_code> list_agents(program& self) {
    client service = service_of(self);
    co_return co_await print_list(self, service.list_agents());
}

asio::awaitable<exit_code> show_agent(program& self) {
    client service = service_of(self);
    const agent found = co_await service.get_agent(id_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> create_agent(program& self) {
    client service = service_of(self);
    const connection_settings& values = self.options.connection;
    agent_definition definition(values.model);
    definition.name = self.options.object.name;
    definition.instructions = values.instructions;
    for (const auto& [label, url] : mcp_urls(values)) definition.tools.push_back(mcp_tool(label, url));
    const agent created = co_await service.create_agent(std::move(definition));
    self.out.line(created.id());
    co_return exit_code::completed;
}

asio::awaitable<exit_code> delete_agents(program& self) {
    client service = service_of(self);
    const auto remove = [&service](const std::string& id) { return service.delete_agent(id); };
    co_return co_await remove_each(self, remove);
}

asio::awaitable<exit_code> list_threads(program& self) {
    client service = service_of(self);
    co_return co_await print_list(self, service.list_threads());
}

asio::awaitable<exit_code> show_thread(program& self) {
    client service = service_of(self);
    const agent_thread found = co_await service.get_thread(id_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> create_thread(program& self) {
    client service = service_of(self);
    const agent_thread created = co_await service.create_thread();
    self.out.line(created.id());
    co_return exit_code::completed;
}

asio::awaitable<exit_code> delete_threads(program& self) {
    client service = service_of(self);
    const auto remove = [&service](const std::string& id) { return service.delete_thread(id); };
    co_return co_await remove_each(self, remove);
}

asio::awaitable<exit_code> list_messages(program& self) {
    client service = service_of(self);
    agent_thread conversation = co_await service.get_thread(self.options.object.thread);
    list_options order;
    order.oldest_first = true;
    co_return co_await print_list(self, conversation.list_messages(std::move(order)));
}

asio::awaitable<exit_code> show_message(program& self) {
    client service = service_of(self);
    agent_thread conversation = co_await service.get_thread(self.options.object.thread);
    const thread_message found = co_await conversation.get_message(id_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> create_message(program& self) {
    client service = service_of(self);
    agent_thread conversation = co_await service.get_thread(self.options.object.thread);
    const thread_message created = co_await conversation.add_message(self.options.object.text);
    self.out.line(created.id);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> delete_messages(program& self) {
    client service = service_of(self);
    agent_thread conversation = co_await service.get_thread(self.options.object.thread);
    const auto remove = [&conversation](const std::string& id) { return conversation.delete_message(id); };
    co_return co_await remove_each(self, remove);
}

asio::awaitable<exit_code> list_runs(program& self) {
    client service = service_of(self);
    agent_thread conversation = co_await service.get_thread(self.options.object.thread);
    co_return co_await print_list(self, conversation.list_runs());
}

asio::awaitable<exit_code> show_run_object(program& self) {
    client service = service_of(self);
    const thread_run found = co_await service.get_run(position_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> cancel_run(program& self) {
    client service = service_of(self);
    const thread_run found = co_await service.cancel_run(position_of(self));
    self.out.line(found.status_text);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> list_files(program& self) {
    client service = service_of(self);
    co_return co_await print_list(self, service.list_files());
}

asio::awaitable<exit_code> show_file(program& self) {
    client service = service_of(self);
    const file_info found = co_await service.get_file(id_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> upload_files(program& self) {
    client service = service_of(self);
    for (const std::string& path : self.options.object.ids) {
        file_upload file = file_upload::from_file(path);
        file.purpose = self.options.object.purpose;
        file.on_progress = progress_of(self, file.filename);
        const file_info uploaded = co_await service.upload_file(std::move(file));
        self.out.line(uploaded.id);
    }
    co_return exit_code::completed;
}

asio::awaitable<exit_code> download_file(program& self) {
    client service = service_of(self);
    const std::string path = self.options.object.path;
    if (path.empty() || path == "-") {
        const std::function<void(std::string_view)> sink = [&self](std::string_view bytes) { self.out.bytes(bytes); };
        co_await service.download_file(id_of(self), sink);
        co_return exit_code::completed;
    }
    const std::uint64_t size = co_await service.download_file(id_of(self), std::filesystem::path(path));
    self.out.notice(path + ": " + std::to_string(size) + " bytes");
    co_return exit_code::completed;
}

asio::awaitable<exit_code> delete_files(program& self) {
    client service = service_of(self);
    const auto remove = [&service](const std::string& id) { return service.delete_file(id); };
    co_return co_await remove_each(self, remove);
}

asio::awaitable<exit_code> list_stores(program& self) {
    client service = service_of(self);
    co_return co_await print_list(self, service.list_vector_stores());
}

asio::awaitable<exit_code> show_store(program& self) {
    client service = service_of(self);
    const vector_store found = co_await service.get_vector_store(id_of(self));
    print_object(self, found);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> create_store(program& self) {
    client service = service_of(self);
    vector_store_definition definition;
    definition.name = self.options.object.name;
    definition.file_ids = self.options.object.files;
    vector_store created = co_await service.create_vector_store(std::move(definition));
    self.out.notice("the service reads the files");
    const vector_store_info info = co_await created.wait();
    self.out.line(created.id());
    if (info.file_counts.failed == 0) co_return exit_code::completed;
    self.out.failure(std::to_string(info.file_counts.failed) + " files could not be read");
    co_return exit_code::failed;
}

asio::awaitable<exit_code> delete_stores(program& self) {
    client service = service_of(self);
    const auto remove = [&service](const std::string& id) { return service.delete_vector_store(id); };
    co_return co_await remove_each(self, remove);
}

}  // namespace corun::cli
