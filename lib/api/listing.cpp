#include "api/listing.hpp"

#include "text/url.hpp"
#include <corun/error.hpp>

namespace corun::detail {

std::string include_query(const std::vector<std::string>& include) {
    std::string query;
    for (const std::string& each : include) {
        if (!query.empty()) query += '&';
        query += "include%5B%5D=" + percent_encoded(each);
    }
    return query;
}

std::string list_query(const list_options& options, std::string_view filter, std::string_view cursor) {
    if (options.page_size < 1 || options.page_size > 100)
        throw error(errc::invalid_argument,
                    "list_options::page_size is " + std::to_string(options.page_size) + "; it must be from 1 to 100");
    std::string query = "limit=" + std::to_string(options.page_size);
    query += options.oldest_first ? "&order=asc" : "&order=desc";
    if (!cursor.empty()) query += "&after=" + percent_encoded(cursor);
    if (!options.run_id.empty()) query += "&run_id=" + percent_encoded(options.run_id);
    if (!options.include.empty()) query += '&' + include_query(options.include);
    if (!filter.empty()) query += "&filter=" + percent_encoded(filter);
    return query;
}

}  // namespace corun::detail
