#pragma once
#include "net/transport.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace corun::test {

/// Keeps everything a transport says, and how often it said it.
struct recording_sink final : net::sink {
    void on_head(net::response_head h) noexcept override {
        ++heads;
        head = std::move(h);
    }
    void on_bytes(std::string_view b) noexcept override {
        BOOST_TEST(!done);
        bytes.append(b);
        if (pause_above && bytes.size() > pause_above && transfer) {
            pause_above = 0;
            transfer->pause();
        }
    }
    void on_sent(std::uint64_t count) noexcept override {
        BOOST_TEST(count > sent);
        sent = count;
    }
    void on_done(std::error_code c, std::string d) noexcept override {
        ++dones;
        done = true;
        code = c;
        detail = std::move(d);
    }

    net::response_head head;
    std::string bytes, detail;
    std::error_code code;
    int heads = 0, dones = 0;
    std::uint64_t sent = 0;
    bool done = false;
    std::size_t pause_above = 0;
    net::transfer* transfer = nullptr;
};

}  // namespace corun::test
