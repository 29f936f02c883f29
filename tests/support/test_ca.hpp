#pragma once
#include "openssl_deleter.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

/// Certificates for tests, made when they are wanted.
namespace corun::test::ca {

/// A certificate and its private key, as PEM.
struct identity {
    identity() = default;

    std::string certificate, key;
};

/// What a certificate says. Times are seconds from now.
struct statement {
    explicit statement(std::string subject_names) : names(std::move(subject_names)) {}
    statement& lasts(long from, long to) {
        not_before = from;
        not_after = to;
        return *this;
    }

    std::string names;  ///< As OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`.
    long not_before = -3600;
    long not_after = 3600;
};

namespace detail {

using key_pair = std::unique_ptr<EVP_PKEY, openssl_deleter<&EVP_PKEY_free>>;
using certificate = std::unique_ptr<X509, openssl_deleter<&X509_free>>;
using memory = std::unique_ptr<BIO, openssl_deleter<&BIO_free_all>>;

inline void require(bool right) {
    if (!right) throw std::runtime_error("OpenSSL cannot make a test's certificate");
}

inline std::string text_of(BIO* from) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(from, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

inline std::string pem_of(X509* made) {
    const memory to(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(to.get(), made) == 1);
    return text_of(to.get());
}

inline std::string pem_of(EVP_PKEY* key, const char* passphrase = nullptr) {
    const memory to(BIO_new(BIO_s_mem()));
    // The callback's argument is the passphrase itself when there is no callback.
    require(PEM_write_bio_PKCS8PrivateKey(to.get(), key, passphrase ? EVP_aes_128_cbc() : nullptr, nullptr, 0, nullptr,
                                          const_cast<char*>(passphrase)) == 1);
    return text_of(to.get());
}

inline key_pair make_key() {
    key_pair key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    return key;
}

inline void extend(X509* what, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, what, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, openssl_deleter<&X509_EXTENSION_free>> made(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    require(made && X509_add_ext(what, made.get(), -1) == 1);
}

/// Signed by `issuer`, or by itself.
inline certificate make_certificate(EVP_PKEY* key, const std::string& name, long from, long to, X509* issuer,
                                    EVP_PKEY* issuer_key, int extension, const std::string& value) {
    static long serial = 0;
    certificate made(X509_new());
    require(made != nullptr);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), to);
    X509_set_pubkey(made.get(), key);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
    X509* const signs = issuer ? issuer : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(signs));
    extend(made.get(), signs, extension, value);
    require(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0);
    return made;
}

}  // namespace detail

/// A certificate authority. Who does not trust it trusts nothing that it has issued.
class authority {
public:
    /// Those of a different name know nothing of each other.
    explicit authority(const std::string& name = "corun test CA")
        : key_(detail::make_key()),
          made_(detail::make_certificate(key_.get(), name, -86400, 86400, nullptr, key_.get(), NID_basic_constraints,
                                         "critical,CA:TRUE")),
          certificate_(detail::pem_of(made_.get())) {}

    [[nodiscard]] const std::string& certificate() const noexcept { return certificate_; }

    /// With `passphrase`, its key is encrypted.
    [[nodiscard]] identity issue(const statement& what, const char* passphrase = nullptr) const {
        return make(what, made_.get(), key_.get(), passphrase);
    }

    static identity self_signed(const statement& what) { return make(what, nullptr, nullptr, nullptr); }

private:
    static identity make(const statement& what, X509* issuer, EVP_PKEY* issuer_key, const char* passphrase) {
        const detail::key_pair key = detail::make_key();
        const detail::certificate made =
            detail::make_certificate(key.get(), "a test's server", what.not_before, what.not_after, issuer,
                                     issuer ? issuer_key : key.get(), NID_subject_alt_name, what.names);
        identity result;
        result.certificate = detail::pem_of(made.get());
        result.key = detail::pem_of(key.get(), passphrase);
        return result;
    }

    detail::key_pair key_;
    detail::certificate made_;
    std::string certificate_;
};

}  // namespace corun::test::ca
