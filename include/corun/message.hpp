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
    enum class kind { text, image_url, image_file, file, file_url, file_data, audio, video };

    static content_block text(std::string value);
    /// `url` can be a data URL. `detail` is `auto`, `low`, `high` or `original`; empty means the service's default.
    static content_block image_url(std::string url, std::string detail = {});
    /// An uploaded image.
    static content_block image_file(std::string file_id, std::string detail = {});

    // Responses protocol only; fail with `errc::invalid_argument` in the threads protocol, where files are attachments.

    /// An uploaded file.
    static content_block file(std::string file_id, std::string detail = {});
    /// A file that the service downloads.
    static content_block file_url(std::string url, std::string detail = {});
    /// The file itself: `data` is a data URL, such as `data:application/pdf;base64,JVBE...`, or base64 alone if the
    /// service accepts that.
    static content_block file_data(std::string filename, std::string data, std::string detail = {});
    /// `data` is base64; `format` is `mp3` or `wav`.
    static content_block audio(std::string data, std::string format);
    /// `url` can be a data URL. For servers of the Open Responses specification; OpenAI accepts no videos.
    static content_block video(std::string url);

    kind type = kind::text;
    std::string value;     ///< The text, the URL, the file id or the data.
    std::string detail;    ///< Of images and files.
    std::string filename;  ///< Of `file_data`.
    std::string format;    ///< Of `audio`.

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

    std::string file_id;                                  ///< Empty for a `data_source`.
    std::optional<vector_store_data_source> data_source;  ///< Absent for a `file_id`.
    std::vector<std::string> tools;                       ///< `code_interpreter`, `file_search`.
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
    /// Responses protocol: the `thread_message::phase` of an assistant's message that is sent back. Without it, the
    /// model may take a comment for its final answer.
    std::string phase;
    std::vector<content_block> content;
    std::vector<attachment> attachments;
    corun::metadata metadata;
};

}  // namespace corun
