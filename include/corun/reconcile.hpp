#pragma once
#include <corun/export.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace corun {

/// The decisions of reconciliation about a run's request, with their reasons.
class CORUN_API reconcile_report {
public:
    reconcile_report() = default;

    /// One decision, as a sentence. Contains no header value.
    struct CORUN_API line {
        line(int row, std::string text);
        int row;  ///< The row in docs/reconciliation.md.
        std::string text;
    };

    [[nodiscard]] const std::vector<line>& lines() const noexcept { return lines_; }
    /// The request's path, and its JSON body with every header value replaced by `***`.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// The request's JSON body, with `***` for header values.
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

    /// Adds a decision.
    void add(int row, std::string text);
    /// Sets the request. The body must be redacted.
    void set_request(std::string path, std::string redacted_body);

private:
    std::vector<line> lines_;
    std::string path_, body_;
};

/// Prints the decisions and the request.
CORUN_API std::ostream& operator<<(std::ostream& out, const reconcile_report& report);

}  // namespace corun
