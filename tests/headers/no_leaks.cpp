// What users include brings in none of the libraries that corun is built on, but for Asio.
#include <corun/corun.hpp>

#if defined(SIMDJSON_H) || defined(SIMDJSON_VERSION) || defined(SIMDJSON_PADDING) || \
    defined(SIMDJSON_IMPLEMENTATION) || defined(SIMDJSON_EXCEPTIONS) || defined(SIMDJSON_REALLY_INLINE)
#error "corun.hpp includes simdjson"
#endif
#if defined(CURLINC_CURL_H) || defined(CURLINC_MULTI_H) || defined(LIBCURL_VERSION) || defined(CURL_EXTERN)
#error "corun.hpp includes curl"
#endif
#if defined(INCLUDE_NLOHMANN_JSON_HPP_) || defined(INCLUDE_NLOHMANN_JSON_FWD_HPP_) || \
    defined(NLOHMANN_JSON_VERSION_MAJOR)
#error "corun.hpp includes nlohmann_json"
#endif
