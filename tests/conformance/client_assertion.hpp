#pragma once
// How a client signs the JWT that proves who it is, with OpenSSL 3.
#include "openssl_deleter.hpp"
#include <corun/secret.hpp>

#include <nlohmann/json.hpp>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace client_assertion {

using corun::openssl_deleter;

inline void require(bool succeeded, const char* operation) {
    if (!succeeded) throw std::runtime_error(std::string(operation) + " failed");
}

/// base64url without padding (RFC 4648, section 5).
inline std::string base64_url(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const auto* const from = reinterpret_cast<const unsigned char*>(bytes.data());
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), from, static_cast<int>(bytes.size()));
    text.resize(std::min(text.find_first_of(std::string_view("=\0", 2)), text.size()));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

/// An ES256 signature as RFC 7518, section 3.4, wants it: both numbers in 32 bytes each, where OpenSSL writes DER.
inline std::string sign_es256(const std::string& private_key_pem, std::string_view text) {
    const std::unique_ptr<BIO, openssl_deleter<&BIO_free>> pem(
        BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
    const std::unique_ptr<EVP_PKEY, openssl_deleter<&EVP_PKEY_free>> key(
        PEM_read_bio_PrivateKey(pem.get(), nullptr, nullptr, nullptr));
    require(key != nullptr, "reading the private key");
    const std::unique_ptr<EVP_MD_CTX, openssl_deleter<&EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const auto* const data = reinterpret_cast<const unsigned char*>(text.data());
    std::vector<unsigned char> der(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
    std::size_t size = der.size();
    require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1, "signing");
    require(EVP_DigestSign(context.get(), der.data(), &size, data, text.size()) == 1, "signing");

    const unsigned char* read = der.data();
    const std::unique_ptr<ECDSA_SIG, openssl_deleter<&ECDSA_SIG_free>> signature(
        d2i_ECDSA_SIG(nullptr, &read, static_cast<long>(size)));
    require(signature != nullptr, "reading the signature");
    std::string both(64, '\0');
    auto* const to = reinterpret_cast<unsigned char*>(both.data());
    require(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), to, 32) == 32, "writing the signature");
    require(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), to + 32, 32) == 32, "writing the signature");
    return both;
}

/// The claims of RFC 7523, section 3, for one minute: each assertion is good for one token request.
inline corun::secret make(const std::string& client_id, const std::string& audience,
                          const std::string& private_key_pem) {
    std::string id(16, '\0');
    require(RAND_bytes(reinterpret_cast<unsigned char*>(id.data()), static_cast<int>(id.size())) == 1, "RAND_bytes");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    const nlohmann::json header{{"alg", "ES256"}, {"typ", "JWT"}};
    const nlohmann::json claims{{"iss", client_id}, {"sub", client_id},    {"aud", audience},
                                {"iat", seconds},   {"exp", seconds + 60}, {"jti", base64_url(id)}};
    const std::string text = base64_url(header.dump()) + '.' + base64_url(claims.dump());
    return corun::secret(text + '.' + base64_url(sign_es256(private_key_pem, text)));
}

}  // namespace client_assertion
