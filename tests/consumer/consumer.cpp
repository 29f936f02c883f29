#include <corun/corun.hpp>

#include <iostream>
#include <sstream>
#include <string>

int main() {
    corun::mcp_headers headers;
    headers.set("my_mcp_server", "Authorization", "Bearer " + std::string("token"));

    std::ostringstream shown;
    shown << headers;
    std::cout << CORUN_VERSION << '\n' << shown.str();
    const bool is_hidden = shown.str() == "my_mcp_server\n  Authorization: ***\n";

    try {
        throw corun::error(corun::errc::not_found, "consumer");
    } catch (const std::system_error& e) {
        return is_hidden && e.code() == corun::errc::not_found ? 0 : 1;
    }
}
