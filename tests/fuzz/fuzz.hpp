#pragma once
#include <corun/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// What the fuzz targets share. A target defines `fuzz_one`, which gets an input and ends the process,
/// by `require`, when something does not hold that must hold for any input.
///
/// With -DCORUN_FUZZ_REPLAY a target has a main of its own that replays the files and directories that
/// are its arguments; else it is a libFuzzer program.
namespace corun::fuzz {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// True when it returned, false when it threw what it may throw: `corun::error`.
template <class Call>
bool succeeds(Call call) {
    try {
        call();
    } catch (const corun::error&) {
        return false;
    }
    return true;
}

/// Takes an input apart into what a target needs. At its end it gives zeros and empty texts.
class source {
public:
    explicit source(std::string_view bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const char c = left_.front();
        left_.remove_prefix(1);
        return static_cast<std::uint8_t>(c);
    }
    bool flag() { return (byte() & 1) != 0; }
    /// 0 to `most`.
    std::size_t number(std::size_t most) { return byte() % (most + 1); }
    /// Up to the next line feed, which is taken too.
    std::string line() {
        const std::size_t end = left_.find('\n');
        std::string text(left_.substr(0, end));
        left_.remove_prefix(end == left_.npos ? left_.size() : end + 1);
        return text;
    }
    std::string_view rest() {
        const std::string_view all = left_;
        left_ = {};
        return all;
    }

private:
    std::string_view left_;
};

}  // namespace corun::fuzz

void fuzz_one(std::string_view input);

#if defined(CORUN_FUZZ_REPLAY)

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

int main(int argc, char** argv) {
    namespace filesystem = std::filesystem;
    std::set<filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (!filesystem::is_directory(argv[i]))
            files.insert(argv[i]);
        else
            for (const auto& entry : filesystem::recursive_directory_iterator(argv[i]))
                if (entry.is_regular_file()) files.insert(entry.path());
    }
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(in), {}};
        corun::fuzz::require(in.good() || in.eof(), "a file can be read");
        std::fprintf(stderr, "%s\n", file.filename().c_str());
        fuzz_one(input);
    }
    corun::fuzz::require(!files.empty(), "there are files to replay");
    std::printf("%zu inputs, all well\n", files.size());
}

#else

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz_one({reinterpret_cast<const char*>(data), size});
    return 0;
}

#endif
