#include "http/multipart_body.hpp"

#include "text/escape.hpp"
#include "text/random.hpp"
#include "text/utf8.hpp"
#include <corun/error.hpp>
#include <corun/headers.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace corun::detail {
namespace {

[[noreturn]] void reject(std::string message) {
    throw error(errc::invalid_argument, std::move(message));
}

/// A file name in `Content-Disposition` (WHATWG HTML, multipart/form-data encoding algorithm).
std::string escaped_filename(std::string_view name) {
    if (name.empty()) reject("file_upload::filename is empty");
    if (!utf8::is_well_formed(name)) reject("file_upload::filename is not UTF-8");
    std::string escaped;
    for (const char c : name) {
        if (c == '\n')
            escaped += "%0A";
        else if (c == '\r')
            escaped += "%0D";
        else if (c == '"')
            escaped += "%22";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            reject("file_upload::filename contains a control character");
        else
            escaped += c;
    }
    return escaped;
}

}  // namespace

error system_error(int number, std::string message) {
    diagnostics details;
    details.message = std::move(message);
    return {std::error_code(number, std::generic_category()), std::move(details)};
}

multipart_body::multipart_body(file_upload upload) : upload_(std::move(upload)) {
    if (upload_.purpose.empty()) reject("file_upload::purpose is empty");
    if (upload_.content_type.empty() || !is_header_value(upload_.content_type))
        reject("file_upload::content_type is empty, or contains characters that are not allowed in a header");
    // 128 random bits: practically no file contains it.
    const std::string boundary = "corun-" + random_hex(32);
    content_type_ = "multipart/form-data; boundary=" + boundary;
    head_ = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n" + upload_.purpose +
            "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
            escaped_filename(upload_.filename) + "\"\r\nContent-Type: " + upload_.content_type + "\r\n\r\n";
    tail_ = "\r\n--" + boundary + "--\r\n";
    file_size_ = upload_.bytes.size();
    if (!upload_.path.empty()) open();
}

void multipart_body::open() {
    const std::string name = quote(upload_.path);
    std::error_code code;
    // Opening a pipe would wait for its writer.
    if (std::filesystem::exists(upload_.path, code) && !std::filesystem::is_regular_file(upload_.path, code))
        reject(name + " is not a file");
    file_.reset(std::fopen(upload_.path.c_str(), "rbe"));
    if (!file_) throw system_error(errno, name + " cannot be opened");
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);
    file_size_ = std::filesystem::file_size(upload_.path, code);
    if (code) throw system_error(code.value(), "the size of " + name + " cannot be read");
}

std::uint64_t multipart_body::size() const noexcept {
    return head_.size() + file_size_ + tail_.size();
}

std::size_t multipart_body::read(char* to, std::size_t room) {
    const std::uint64_t file_end = head_.size() + file_size_;
    std::size_t size = 0;
    if (read_ < head_.size())
        size = head_.copy(to, room, static_cast<std::size_t>(read_));
    else if (read_ < file_end)
        size = read_file(to, static_cast<std::size_t>(std::min<std::uint64_t>(room, file_end - read_)),
                         read_ - head_.size());
    else
        size = tail_.copy(to, room, static_cast<std::size_t>(read_ - file_end));
    read_ += size;
    return size;
}

std::size_t multipart_body::read_file(char* to, std::size_t room, std::uint64_t from) {
    if (!file_) return upload_.bytes.copy(to, room, static_cast<std::size_t>(from));
    errno = 0;
    const std::size_t size = std::fread(to, 1, room, file_.get());
    if (size != 0) return size;
    const std::string name = quote(upload_.path);
    if (std::ferror(file_.get())) throw system_error(errno, name + " cannot be read");
    throw system_error(EIO, name + " became shorter during the upload");
}

}  // namespace corun::detail
