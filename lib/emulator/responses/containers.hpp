#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/http/responder.hpp"
#include "emulator/store.hpp"

#include <memory>
#include <string>
#include <utility>

namespace corun::emulator {

struct container_file : record {
    container_file(json value, std::string content) : record(std::move(value)), bytes(std::move(content)) {}

    std::string bytes;
};

struct container : record {
    using record::record;

    store<container_file> files;
};

/// Containers of code interpreters and their files. The handlers throw `api_error`.
class containers {
public:
    explicit containers(environment& shared) : environment_(shared) {}

    /// Returns false if there is no route for the request.
    bool serve(const api_request& request, responder& responder);
    /// Adds a file that a code interpreter has written, in a container of its own, and returns their ids.
    std::pair<std::string, std::string> add_file(const std::string& filename, std::string bytes);

private:
    json create(const api_request& request);
    json list(const api_request& request);
    json retrieve(const api_request& request);
    json remove(const api_request& request);
    json create_file(const api_request& request);
    json list_files(const api_request& request);
    json retrieve_file(const api_request& request);
    json remove_file(const api_request& request);

    json add_container(const json& members);
    json add_file(container& target, const std::string& filename, std::string bytes, const char* source);
    [[nodiscard]] std::shared_ptr<container> find(const api_request& request) const;
    [[nodiscard]] std::shared_ptr<container_file> find_file(const api_request& request) const;

    environment& environment_;
    store<container> containers_;
};

}  // namespace corun::emulator
