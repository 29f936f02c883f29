#include "description.hpp"

#include <algorithm>
#include <string_view>

namespace corun::cli {
namespace {

std::string last_word(const std::string& path) {
    return path.substr(path.rfind(' ') + 1);
}

std::string replaced(std::string text, std::string_view part, std::string_view by) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
        text.replace(at, part.size(), by);
    return text;
}

std::string shell_quoted(const std::string& text) {
    return "'" + replaced(text, "'", R"('\'')") + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& each : words) all += (all.empty() ? "" : " ") + each;
    return all;
}

/// The options of a command and those of all.
std::vector<option_description> options_of(const std::vector<command_description>& all,
                                           const command_description& one) {
    std::vector<option_description> options = one.options;
    if (!one.path.empty()) options.insert(options.end(), all[0].options.begin(), all[0].options.end());
    std::erase_if(options, [](const option_description& each) { return each.names.empty(); });
    return options;
}

/// Alternatives of a `case`, one for each command.
std::string paths_of(const std::vector<command_description>& all) {
    std::string paths;
    for (const command_description& each : all)
        if (!each.path.empty()) paths += (paths.empty() ? "" : "|") + shell_quoted(" " + each.path);
    return paths;
}

std::string bash_script(const std::vector<command_description>& all) {
    std::string script =
        "# Completion of corun for bash; made by: corun completion bash\n"
        "_corun() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} path= i words=\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
        "        case \"$path ${COMP_WORDS[i]}\" in\n            " +
        paths_of(all) +
        ") path=\"$path ${COMP_WORDS[i]}\" ;;\n"
        "        esac\n"
        "    done\n"
        "    case \"$path\" in\n";
    for (const command_description& each : all) {
        std::string words;
        for (const command_description* command : each.commands) words += " " + last_word(command->path);
        for (const option_description& option : options_of(all, each)) words += " " + option.names.back();
        script += "        " + shell_quoted(each.path.empty() ? "" : " " + each.path) +
                  ") words=" + shell_quoted(words) + " ;;\n";
    }
    script += "    esac\n    case \"${COMP_WORDS[COMP_CWORD - 1]}\" in\n";
    for (const command_description& each : all)
        for (const option_description& option : each.options)
            if (!option.choices.empty())
                script +=
                    "        " + option.names.back() + ") words=" + shell_quoted(joined(option.choices)) + " ;;\n";
    return script +
           "    esac\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "}\n"
           "complete -o default -F _corun corun\n";
}

std::string zsh_script(const std::vector<command_description>& all) {
    const auto entry = [](const std::string& name, const std::string& help) {
        return shell_quoted(name + ":" + replaced(help, ":", "\\:"));
    };
    std::string script =
        "#compdef corun\n"
        "# Completion of corun for zsh; made by: corun completion zsh\n"
        "_corun() {\n"
        "    local at= word\n"
        "    local -a commands options\n"
        "    for word in ${words[2,CURRENT-1]}; do\n"
        "        case \"$at $word\" in\n            (" +
        paths_of(all) +
        ") at=\"$at $word\" ;;\n"
        "        esac\n"
        "    done\n"
        "    case \"${words[CURRENT-1]}\" in\n";
    for (const command_description& each : all)
        for (const option_description& option : each.options)
            if (!option.choices.empty())
                script +=
                    "        (" + option.names.back() + ") compadd -- " + joined(option.choices) + "; return ;;\n";
    script += "    esac\n    case \"$at\" in\n";
    for (const command_description& each : all) {
        script += "        (" + shell_quoted(each.path.empty() ? "" : " " + each.path) + ")\n            commands=(";
        for (const command_description* command : each.commands)
            script += " " + entry(last_word(command->path), command->help);
        script += ")\n            options=(";
        for (const option_description& option : options_of(all, each))
            script += " " + entry(option.names.back(), option.help);
        script += ") ;;\n";
    }
    return script +
           "    esac\n"
           "    (( $#commands )) && _describe command commands\n"
           "    _describe -o option options\n"
           "    (( $#commands )) || _files\n"
           "}\n"
           "compdef _corun corun\n";
}

std::string fish_option(const option_description& option) {
    std::string line;
    for (const std::string& name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (!option.value.empty())
        line += option.choices.empty() ? " -r -F" : " -x -a " + shell_quoted(joined(option.choices));
    return line + " -d " + shell_quoted(option.help) + "\n";
}

std::string fish_script(const std::vector<command_description>& all) {
    std::string script = "# Completion of corun for fish; made by: corun completion fish\nset -g __corun_paths";
    for (const command_description& each : all)
        if (!each.path.empty()) script += " " + shell_quoted(each.path);
    script +=
        "\nfunction __corun_at\n"
        "    set -l path\n"
        "    for word in (commandline -opc)[2..]\n"
        "        contains -- (string join -- ' ' $path $word) $__corun_paths; and set -a path $word\n"
        "    end\n"
        "    test \"$path\" = \"$argv\"\n"
        "end\n";
    for (const command_description& each : all) {
        const std::string here = "complete -c corun -n " + shell_quoted("__corun_at " + each.path);
        for (const command_description* command : each.commands)
            script += here + " -f -a " + last_word(command->path) + " -d " + shell_quoted(command->help) + "\n";
        for (const option_description& option : each.options)
            if (!option.names.empty()) script += (each.path.empty() ? "complete -c corun" : here) + fish_option(option);
    }
    return script;
}

}  // namespace

std::string completion_script(const std::vector<command_description>& commands, const std::string& shell) {
    return shell == "zsh" ? zsh_script(commands) : shell == "fish" ? fish_script(commands) : bash_script(commands);
}

}  // namespace corun::cli
