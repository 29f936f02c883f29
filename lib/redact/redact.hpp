#pragma once
#include <corun/error.hpp>
#include <corun/resources.hpp>
#include <corun/secret.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace corun::detail {

/// The secrets that were sent with a request, kept to hide them in what the service answers.
class redactor {
public:
    redactor() = default;

    /// Adds a header value. What follows its scheme (`abc` in `Bearer abc`) is then a secret too.
    void add(const secret& header_value);
    /// Adds those of another.
    void add(const redactor& other);

    /// `text` with `***` for every secret, whether it stands there as it is or escaped as JSON does.
    /// Secrets shorter than three characters stay: hiding them would hide the text.
    ///
    /// Gives the beginning of `text` only, `limit` bytes before redaction; a secret across the limit
    /// is hidden whole.
    [[nodiscard]] std::string redacted(std::string_view text, std::size_t limit = std::string_view::npos) const;

    /// The same for a text that comes in pieces: `text` is what has come and was not given yet. What
    /// may be the beginning of a secret that goes on in the next piece stays in it, unless `last`; that
    /// is a few times the longest secret at most.
    [[nodiscard]] std::string take_redacted(std::string& text, bool last) const;

    /// The same for every text of these.
    void redact(diagnostics& details) const;
    void redact(last_error& said) const;

private:
    std::size_t redact(std::string_view text, std::size_t limit, bool last, std::string& shown) const;

    std::vector<secret> secrets_;
};

}  // namespace corun::detail
