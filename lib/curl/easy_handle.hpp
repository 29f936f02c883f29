#pragma once
#include "curl/refusal_log.hpp"
#include <corun/headers.hpp>

#include <curl/curl.h>

#include <array>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace corun::curl {

struct slist_deleter {
    void operator()(curl_slist* list) const noexcept;
};
/// A list of lines for libcurl, wiped when it is freed.
using line_list = std::unique_ptr<curl_slist, slist_deleter>;

void append(line_list& list, const std::string& line);

/// A libcurl easy handle, with what libcurl does not copy: the request's header lines and the error text.
class easy_handle {
public:
    easy_handle();
    easy_handle(const easy_handle&) = delete;
    easy_handle& operator=(const easy_handle&) = delete;

    [[nodiscard]] CURL* get() const noexcept { return easy_.get(); }

    /// Throws `std::bad_alloc`. Ignores values that this libcurl does not support.
    template <class T>
    void set(CURLoption option, T value) {
        const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
        if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    }
    void set(CURLoption option, const std::string& text) { set(option, text.c_str()); }

    void add_header(const header& field);
    /// A header that libcurl would add by itself, removed.
    void remove_header(const std::string& name) { append(headers_, name + ':'); }
    /// To be called when all headers have been added.
    void set_headers() { set(CURLOPT_HTTPHEADER, headers_.get()); }

    [[nodiscard]] long info(CURLINFO name) const noexcept {
        long value = 0;
        curl_easy_getinfo(easy_.get(), name, &value);
        return value;
    }
    /// libcurl's text for what went wrong; may be empty.
    [[nodiscard]] std::string_view problem() const noexcept { return problem_.data(); }

    /// Lets `refused` say whether the server has declared the HTTP/2 stream of the request unprocessed.
    void watch_for_refusal();
    [[nodiscard]] bool refused() const noexcept { return refusal_.refused(); }

    /// Frees the handle and wipes the headers.
    void reset() noexcept;

private:
    static int on_log(CURL* easy, curl_infotype type, char* data, std::size_t size, void* self) noexcept;

    struct easy_deleter {
        void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    };

    std::unique_ptr<CURL, easy_deleter> easy_;
    line_list headers_;
    std::array<char, CURL_ERROR_SIZE> problem_{};
    refusal_log refusal_;
};

}  // namespace corun::curl
