#include "gateway/pages.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace corun::gateway {
namespace {

std::string content_type_of(const std::string& extension) {
    static constexpr std::pair<const char*, const char*> types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
    };
    for (const auto& [suffix, type] : types)
        if (extension == suffix) return type;
    return "application/octet-stream";
}

}  // namespace

pages::pages(const std::string& folder) {
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
        if (!each.is_regular_file()) continue;
        std::ifstream file(each.path(), std::ios::binary);
        if (!file) throw std::system_error(std::make_error_code(std::errc::io_error), each.path().string());
        page made{content_type_of(each.path().extension().string()), {std::istreambuf_iterator<char>(file), {}}};
        all_.emplace("/" + each.path().filename().string(), std::move(made));
    }
}

const pages::page* pages::find(std::string_view path) const noexcept {
    const auto found = all_.find(path == "/" ? std::string_view("/index.html") : path);
    return found == all_.end() ? nullptr : &found->second;
}

}  // namespace corun::gateway
