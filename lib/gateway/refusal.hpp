#pragma once
#include <exception>
#include <string>
#include <utility>

namespace corun::gateway {

/// Why a request is not carried out, in words for the user.
class refusal : public std::exception {
public:
    refusal(int status, std::string code, std::string message)
        : status_(status), code_(std::move(code)), message_(std::move(message)) {}

    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const std::string& code() const noexcept { return code_; }
    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

private:
    int status_;
    std::string code_, message_;
};

inline refusal not_found() {
    return {404, "not_found", "There is no such thing here."};
}
inline refusal log_unavailable() {
    return {503, "log_unavailable", "The server is busy. Try again in a moment."};
}
inline refusal bad_request(std::string message) {
    return {400, "bad_request", std::move(message)};
}

}  // namespace corun::gateway
