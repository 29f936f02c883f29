#pragma once
#include <corun/error.hpp>
#include <corun/resources.hpp>
#include <corun/secret.hpp>

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace corun::detail {

/// The secrets that were sent with a request. Hides them in what the service returns.
class redactor {
public:
    redactor() = default;

    /// Adds a header value, and what follows its scheme: `abc` in `Bearer abc`.
    void add(const secret& header_value);
    /// Adds the secrets of `other`.
    void add(const redactor& other);

    /// `text` with `***` for every secret, both as it is and escaped as in JSON. Secrets of less than three characters
    /// are not hidden: they would hide the text.
    ///
    /// Stops after `limit` bytes of `text`; a secret across the limit is hidden whole.
    [[nodiscard]] std::string redacted(std::string_view text, std::size_t limit = std::string_view::npos) const;

    /// Redacts every text of these.
    void redact(diagnostics& details) const;
    void redact(last_error& failure) const;

private:
    std::vector<secret> secrets_;
    /// The bytes that a secret, as it is or escaped, can begin with: most of a text is none of them.
    std::bitset<256> first_bytes_;
};

}  // namespace corun::detail
