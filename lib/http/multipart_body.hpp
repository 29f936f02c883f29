#pragma once
#include "net/transport.hpp"
#include <corun/error.hpp>
#include <corun/files.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace corun::detail {

/// An error with the code of `errno`.
[[nodiscard]] error system_error(int number, std::string message);

/// A file as `multipart/form-data` (RFC 7578, escaped as in WHATWG HTML), generated piece by piece while it is sent.
class multipart_body final : public net::body_source {
public:
    /// Opens the file. Throws the errors of `client::upload_file`.
    explicit multipart_body(file_upload upload);

    /// The `Content-Type` of the request, which names the boundary.
    [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
    [[nodiscard]] std::uint64_t file_size() const noexcept { return file_size_; }
    /// The number of bytes before those of the file.
    [[nodiscard]] std::uint64_t head_size() const noexcept { return head_.size(); }

    [[nodiscard]] std::uint64_t size() const noexcept override;
    std::size_t read(char* to, std::size_t room) override;

private:
    void open();
    std::size_t read_file(char* to, std::size_t room, std::uint64_t from);

    struct closer {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };

    file_upload upload_;
    std::unique_ptr<std::FILE, closer> file_;
    std::uint64_t file_size_ = 0;
    std::string content_type_, head_, tail_;
    std::uint64_t read_ = 0;
};

}  // namespace corun::detail
