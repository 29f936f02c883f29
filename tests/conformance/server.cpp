// The server of the conformance tests: the emulator's MCP server, with the tools that the tests call by name.
//
//   mcp_conformance_server
//
// Prints its URL, and runs until its standard input is closed.
#include <corun/emulator/mcp_server.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <unistd.h>

#include <array>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

const char* const no_arguments = R"({"type":"object"})";

// A PNG of one pixel, and a WAV without samples.
const std::string image =
    R"({"type":"image","mimeType":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="})";
const std::string audio =
    R"({"type":"audio","mimeType":"audio/wav","data":"UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="})";

std::string text(std::string_view content) {
    return R"({"type":"text","text":")" + std::string(content) + "\"}";
}

std::string resource(std::string_view uri, std::string_view type, std::string_view content) {
    return R"({"type":"resource","resource":{"uri":")" + std::string(uri) + R"(","mimeType":")" + std::string(type) +
           R"(","text":")" + std::string(content) + "\"}}";
}

void add(corun::emulator::mcp_server& server, std::string name, std::string blocks) {
    server.add_content_tool(std::move(name), "Returns content.", no_arguments,
                            [blocks = '[' + blocks + ']'](std::string_view) { return blocks; });
}

}  // namespace

int main() {
    asio::io_context io;
    corun::emulator::mcp_server_options options;
    options.require_token = false;
    corun::emulator::mcp_server server(io, options);
    add(server, "test_simple_text", text("This is a simple text response for testing."));
    add(server, "test_image_content", image);
    add(server, "test_audio_content", audio);
    add(server, "test_embedded_resource",
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content."));
    add(server, "test_multiple_content_types",
        text("Multiple content types test:") + ',' + image + ',' +
            resource("test://mixed-content-resource", "application/json", R"({\"test\":\"data\",\"value\":123})"));
    server.add_tool("test_error_handling", "Fails.", no_arguments, [](std::string_view) -> std::string {
        throw std::runtime_error("This tool intentionally returns an error for testing");
    });
    server.add_tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features",
                    R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","$defs":{"address":{)"
                    R"("$anchor":"addressDef","type":"object",)"
                    R"("properties":{"street":{"type":"string"},"city":{"type":"string"}}}},)"
                    R"("properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},)"
                    R"("contactMethod":{"type":"string","enum":["phone","email"]},)"
                    R"("phone":{"type":"string"},"email":{"type":"string"}},)"
                    R"("allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],)"
                    R"("if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},)"
                    R"("then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false})",
                    [](std::string_view arguments) { return std::string(arguments); });
    std::cout << server.url() << std::endl;

    asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
    std::array<char, 64> ignored{};
    input.async_read_some(asio::buffer(ignored), [&](std::error_code, std::size_t) { server.stop(); });
    io.run();
}
