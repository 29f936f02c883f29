#include "curl/easy_handle.hpp"

#include "text/wipe.hpp"

#include <new>
#include <string>

namespace corun::curl {

void slist_deleter::operator()(curl_slist* list) const noexcept {
    // libcurl frees its copies of our headers as they are; some of them are tokens.
    for (curl_slist* item = list; item; item = item->next)
        detail::wipe_memory(item->data, std::char_traits<char>::length(item->data));
    curl_slist_free_all(list);
}

void append(line_list& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
}

easy_handle::easy_handle() : easy_(curl_easy_init()) {
    if (!easy_) throw std::bad_alloc();
    set(CURLOPT_ERRORBUFFER, problem_.data());
}

void easy_handle::add_header(const header& field) {
    std::string line = field.name;
    line.reserve(line.size() + 2 + field.value.size());
    // libcurl drops a header without a value unless it ends in a semicolon.
    if (field.value.empty())
        line += ';';
    else
        line.append(": ").append(field.value.reveal());
    append(headers_, line);
    wipe(line);
}

void easy_handle::watch_for_refusal() {
    set(CURLOPT_DEBUGFUNCTION, &easy_handle::on_log);
    set<void*>(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_VERBOSE, 1L);
}

int easy_handle::on_log(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
    auto& handle = *static_cast<easy_handle*>(self);
    if (type == CURLINFO_HEADER_OUT) handle.refusal_.begin_attempt();
    if (type == CURLINFO_TEXT) handle.refusal_.add_line({data, size}, handle.problem());
    return 0;
}

void easy_handle::reset() noexcept {
    easy_.reset();
    headers_.reset();
}

}  // namespace corun::curl
