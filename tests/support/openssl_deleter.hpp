#pragma once

namespace corun {

/// Frees what OpenSSL has allocated: `std::unique_ptr<BIO, openssl_deleter<&BIO_free>>`.
template <auto Free>
struct openssl_deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

}  // namespace corun
