#include <corun/model_input.hpp>
#include <corun/response_options.hpp>

#include <utility>

namespace corun {

reasoning::reasoning(std::string its_effort, std::string its_summary)
    : effort(std::move(its_effort)), summary(std::move(its_summary)) {}

context_management::context_management(std::string its_type, std::optional<std::int64_t> threshold)
    : type(std::move(its_type)), compact_threshold(threshold) {}

context_management context_management::compaction(std::int64_t threshold) {
    return context_management("compaction", threshold);
}

moderation::moderation(std::string its_model, std::string of_input, std::string of_output)
    : model(std::move(its_model)), input_mode(std::move(of_input)), output_mode(std::move(of_output)) {}

model_input::model_input(std::string its_model) : model(std::move(its_model)) {}

}  // namespace corun
