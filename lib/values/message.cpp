#include <corun/message.hpp>

#include <utility>

namespace corun {

content_block::content_block(kind k, std::string v, std::string d)
    : type(k), value(std::move(v)), detail(std::move(d)) {}

content_block content_block::text(std::string value) {
    return {kind::text, std::move(value), {}};
}

content_block content_block::image_url(std::string url, std::string detail) {
    return {kind::image_url, std::move(url), std::move(detail)};
}

content_block content_block::image_file(std::string file_id, std::string detail) {
    return {kind::image_file, std::move(file_id), std::move(detail)};
}

content_block content_block::file(std::string file_id, std::string detail) {
    return {kind::file, std::move(file_id), std::move(detail)};
}

content_block content_block::file_url(std::string url, std::string detail) {
    return {kind::file_url, std::move(url), std::move(detail)};
}

content_block content_block::file_data(std::string filename, std::string data, std::string detail) {
    content_block block(kind::file_data, std::move(data), std::move(detail));
    block.filename = std::move(filename);
    return block;
}

content_block content_block::audio(std::string data, std::string format) {
    content_block block(kind::audio, std::move(data), {});
    block.format = std::move(format);
    return block;
}

content_block content_block::video(std::string url) {
    return {kind::video, std::move(url), {}};
}

vector_store_data_source::vector_store_data_source(std::string location, std::string kind)
    : uri(std::move(location)), type(std::move(kind)) {}

attachment::attachment(std::string id, std::vector<std::string> readers)
    : file_id(std::move(id)), tools(std::move(readers)) {}

attachment::attachment(vector_store_data_source source, std::vector<std::string> readers)
    : data_source(std::move(source)), tools(std::move(readers)) {}

message::message(std::string text) {
    content.push_back(content_block::text(std::move(text)));
}
message::message(const char* text) : message(std::string(text)) {}
message::message(std::vector<content_block> blocks) : content(std::move(blocks)) {}

message& message::add(content_block block) & {
    content.push_back(std::move(block));
    return *this;
}

message&& message::add(content_block block) && {
    content.push_back(std::move(block));
    return std::move(*this);
}

}  // namespace corun
