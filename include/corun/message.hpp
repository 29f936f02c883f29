#pragma once
#include <corun/export.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun {

/// Key-value pairs stored with an object: at most 16 pairs; keys up to 64 characters, values up to 512.
using metadata = std::map<std::string, std::string>;

/// One part of a message to send.
struct CORUN_API content_block {
    enum class kind { text, image_url, image_file };

    static content_block text(std::string value);
    /// `url` can be a data URL. `detail` is `auto`, `low` or `high`; empty means the service's default.
    static content_block image_url(std::string url, std::string detail = {});
    static content_block image_file(std::string file_id, std::string detail = {});

    kind type = kind::text;
    std::string value;   ///< The text, the URL or the file id.
    std::string detail;  ///< Image detail.

private:
    content_block(kind k, std::string v, std::string d);
};

/// An asset in Azure storage, for a vector store or a message. It needs no upload.
struct CORUN_API vector_store_data_source {
    vector_store_data_source(std::string uri, std::string type);

    std::string uri;
    std::string type;  ///< `uri_asset` or `id_asset`.
};

/// A file attached to a message, and the tools that can read it.
struct CORUN_API attachment {
    attachment(std::string file_id, std::vector<std::string> tools);
    attachment(vector_store_data_source source, std::vector<std::string> tools);

    std::string file_id;  ///< Empty for a `data_source`.
    std::optional<vector_store_data_source> data_source;
    std::vector<std::string> tools;  ///< `code_interpreter`, `file_search`.
};

/// A message to the agent. Strings convert to it: `run_stream("Hello", ...)`.
struct CORUN_API message {
    message(std::string text);
    message(const char* text);
    explicit message(std::vector<content_block> blocks);

    /// Appends a block, and returns the message for chaining.
    message& add(content_block block) &;
    message&& add(content_block block) &&;

    std::string role = "user";  ///< `user` or `assistant`.
    std::vector<content_block> content;
    std::vector<attachment> attachments;
    corun::metadata metadata;
};

}  // namespace corun
