#include "description.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <map>
#include <utility>

namespace corun::cli {
namespace {

std::map<std::string, std::vector<std::string>>& choices() {
    static std::map<std::string, std::vector<std::string>> all;
    return all;
}

option_description describe(const CLI::Option& option) {
    option_description one;
    for (const std::string& name : option.get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) one.names.push_back("--" + name);
    if (option.get_positional()) one.names.clear();
    one.value = option.get_type_name();
    one.help = option.get_description();
    one.variable = option.get_envname();
    one.is_required = option.get_required();
    if (!one.names.empty()) one.choices = choices()[one.names.back()];
    return one;
}

void add(const CLI::App& app, const std::string& path, std::vector<command_description>& all) {
    command_description one;
    one.path = path;
    one.help = app.get_description();
    for (const CLI::Option* option : app.get_options()) one.options.push_back(describe(*option));
    all.push_back(std::move(one));
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
        add(*each, path + (path.empty() ? "" : " ") + each->get_name(), all);
}

std::string parent_of(const std::string& path) {
    const auto space = path.rfind(' ');
    return space == std::string::npos ? "" : path.substr(0, space);
}

}  // namespace

void set_choices(const std::string& option, std::vector<std::string> values) {
    choices()[option] = std::move(values);
}

std::vector<command_description> describe(const CLI::App& program) {
    std::vector<command_description> all;
    add(program, "", all);
    for (command_description& each : all)
        for (const command_description& other : all)
            if (!other.path.empty() && parent_of(other.path) == each.path) each.commands.push_back(&other);
    return all;
}

}  // namespace corun::cli
