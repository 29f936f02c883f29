#pragma once
#include <corun/export.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace corun {

/// What reconciliation changed in a run's request, and why.
class CORUN_API reconcile_report {
public:
    reconcile_report() = default;

    /// One decision, as a sentence. Contains no header value.
    struct CORUN_API line {
        line(int row, std::string text);
        int row;  ///< The row of the table in the documentation.
        std::string text;
    };

    [[nodiscard]] const std::vector<line>& lines() const noexcept { return lines_; }
    /// The request's path, and its JSON body with every header value replaced by `***`.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

    void add(int row, std::string text);
    void set_request(std::string path, std::string redacted_body);

private:
    std::vector<line> lines_;
    std::string path_, body_;
};

/// Prints the decisions and the request.
CORUN_API std::ostream& operator<<(std::ostream& out, const reconcile_report& report);

}  // namespace corun
