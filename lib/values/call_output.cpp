#include <corun/call_output.hpp>

#include <memory>
#include <ostream>
#include <utility>

namespace corun {
namespace {

struct text_writer {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<content_block>& content) const {
        std::string all;
        for (const content_block& block : content)
            if (block.type == content_block::kind::text) all += block.value;
        return all;
    }
    std::string operator()(const shell_output& output) const {
        std::string all;
        for (const command_result& each : output.results) all += each.standard_output + each.standard_error;
        return all;
    }
    std::string operator()(const patch_result& result) const { return result.text; }
    std::string operator()(const computer_screenshot&) const { return {}; }
    std::string operator()(const std::vector<prompt_tool>&) const { return {}; }
};

std::shared_ptr<const call_output::value_type> shared(call_output::value_type value) {
    return std::make_shared<const call_output::value_type>(std::move(value));
}

}  // namespace

safety_check::safety_check(std::string its_id, std::string its_code, std::string its_message)
    : id(std::move(its_id)), code(std::move(its_code)), message(std::move(its_message)) {}

computer_screenshot::computer_screenshot(std::string url, std::string id)
    : image_url(std::move(url)), file_id(std::move(id)) {}

computer_screenshot computer_screenshot::url(std::string url) {
    return {std::move(url), {}};
}
computer_screenshot computer_screenshot::file(std::string file_id) {
    return {{}, std::move(file_id)};
}

command_result::command_result(std::string output, std::string problems, std::optional<int> code)
    : standard_output(std::move(output)), standard_error(std::move(problems)), exit_code(code) {}

shell_output::shell_output(std::vector<command_result> of_commands, std::optional<int> longest)
    : results(std::move(of_commands)), max_output_length(longest) {}

patch_result::patch_result(bool failed, std::string for_model) : has_failed(failed), text(std::move(for_model)) {}

patch_result patch_result::completed(std::string text) {
    return {false, std::move(text)};
}
patch_result patch_result::failed(std::string text) {
    return {true, std::move(text)};
}

call_output::call_output(json_text text) : value_(shared(std::move(text).text())) {}
call_output::call_output(std::vector<content_block> content) : value_(shared(std::move(content))) {}
call_output::call_output(shell_output output) : value_(shared(std::move(output))) {}
call_output::call_output(patch_result result) : value_(shared(std::move(result))) {}
call_output::call_output(computer_screenshot screenshot) : value_(shared(std::move(screenshot))) {}
call_output::call_output(std::vector<prompt_tool> found) : value_(shared(std::move(found))) {}

const call_output::value_type& call_output::value() const noexcept {
    static const value_type empty;
    return value_ ? *value_ : empty;
}

std::string call_output::text() const {
    return std::visit(text_writer{}, value());
}

std::ostream& operator<<(std::ostream& out, const call_output& value) {
    return out << value.text();
}

}  // namespace corun
