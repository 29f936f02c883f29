#include "text/escape.hpp"
#include <corun/mcp_headers.hpp>

#include <ostream>
#include <utility>

namespace corun {

mcp_headers::mcp_headers(std::string server_label, headers fields) {
    set(std::move(server_label), std::move(fields));
}

mcp_server_headers::mcp_server_headers(std::string label, headers values)
    : server_label(std::move(label)), fields(std::move(values)) {}

mcp_headers::mcp_headers(mcp_server_headers first, mcp_server_headers second) {
    for (mcp_server_headers* const each : {&first, &second})
        set(std::move(each->server_label), std::move(each->fields));
}

mcp_headers::mcp_headers(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third)
    : mcp_headers(std::move(first), std::move(second)) {
    set(std::move(third.server_label), std::move(third.fields));
}

mcp_headers::mcp_headers(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third,
                         mcp_server_headers fourth)
    : mcp_headers(std::move(first), std::move(second), std::move(third)) {
    set(std::move(fourth.server_label), std::move(fourth.fields));
}

mcp_headers& mcp_headers::set(std::string server_label, std::string name, secret value) {
    servers_[std::move(server_label)].set(std::move(name), std::move(value));
    return *this;
}

mcp_headers& mcp_headers::set(std::string server_label, headers fields) {
    servers_.insert_or_assign(std::move(server_label), std::move(fields));
    return *this;
}

std::size_t mcp_headers::erase(std::string_view server_label) {
    const auto found = servers_.find(server_label);
    if (found == servers_.end()) return 0;
    servers_.erase(found);
    return 1;
}

const headers* mcp_headers::find(std::string_view server_label) const noexcept {
    const auto found = servers_.find(server_label);
    return found == servers_.end() ? nullptr : &found->second;
}

std::vector<std::string> mcp_headers::labels() const {
    std::vector<std::string> labels;
    labels.reserve(servers_.size());
    for (const auto& [label, fields] : servers_) labels.push_back(label);
    return labels;
}

std::ostream& operator<<(std::ostream& out, const mcp_headers& servers) {
    for (const auto& [label, fields] : servers) {
        out << detail::escape(label) << '\n';
        for (const header& field : fields) out << "  " << detail::escape(field.name) << ": " << field.value << '\n';
    }
    return out;
}

}  // namespace corun
