// braid completion: what the shell offers after a Tab, made from the verbs and flags themselves.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "braid/models/registry.h"
#include "cli/command.h"
#include "cli/usage.h"

namespace braid::cli {
namespace {

constexpr const char* kCompletionFooter = R"(Examples:
  source <(braid completion bash)                                          for this shell
  braid completion bash > ~/.local/share/bash-completion/completions/braid  for every new one)";

// Flags that take a model or one of some words are answered by these; what is no flag, by file
// names.
constexpr const char* kScript = R"(# bash completion of braid, written by `braid completion bash`
_braid_word() {{ COMPREPLY=($(compgen -W "$1" -- "$current")); }}
_braid_words() {{ # separated by commas
  local head=""
  [[ $current == *,* ]] && head=${{current%,*}},
  COMPREPLY=($(compgen -P "$head" -W "$1" -- "${{current##*,}}"))
}}
_braid() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} verb=${{COMP_WORDS[1]}}
  local models="{models}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _braid_word "{verbs} --help --version"
    return
  fi
  case $verb:$previous in
    *:--model) _braid_word "$models"; return ;;
    *:--models) _braid_words "$models"; return ;;
{choices}  esac
  case $verb in
{cases}  esac
  case $verb:$current in
    *:-*) _braid_word "$words" ;;
    forward:*|models:*) COMPREPLY=($(compgen -W "$models" -- "$current") $(compgen -f -- "$current")) ;;
    data:*) COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _braid braid
)";

struct VerbWords {
  std::string words;    // flags, and verbs within the verb
  std::string choices;  // the script's cases of flags that take one of some words
};

// app: the verb itself, or one within it.
void collect(const CLI::App& app, const std::string& verb, VerbWords& out) {
  for (const auto* option : app.get_options()) {
    const auto values = shown_choices(*option);
    for (const auto& name : option->get_lnames()) {
      out.words += "--" + name + " ";
      if (values.empty()) continue;
      out.choices += fmt::format("    {}:--{}) {} \"{}\"; return ;;\n", verb, name,
                                 option->get_delimiter() == ',' ? "_braid_words" : "_braid_word",
                                 fmt::join(values, " "));
    }
  }
  for (const auto* inner : app.get_subcommands({})) {
    out.words += inner->get_name() + " ";
    collect(*inner, verb, out);
  }
}

}  // namespace

std::string bash_completion(const CLI::App& program) {
  std::string verbs, cases, choices, models;
  for (const auto& entry : models::registry().entries())
    models += (models.empty() ? "" : " ") + entry.name;
  for (const auto* verb : program.get_subcommands({})) {
    const std::string name = verb->get_name();
    verbs += (verbs.empty() ? "" : " ") + name;
    VerbWords found;
    collect(*verb, name, found);
    cases += fmt::format("    {}) local words=\"{}\" ;;\n", name, found.words);
    choices += found.choices;
  }
  return fmt::format(fmt::runtime(kScript), fmt::arg("models", models), fmt::arg("verbs", verbs),
                     fmt::arg("choices", choices), fmt::arg("cases", cases));
}

void add_completion(CLI::App& program) {
  auto* verb = program.add_subcommand("completion", "Print shell completion (bash)");
  verb->footer(kCompletionFooter);
  auto shell = std::make_shared<std::string>();
  const std::vector<std::string> shells = {"bash"};
  check_choice(show_choices(verb->add_option("shell", *shell, "which shell"), shells), shells)
      ->required();
  verb->callback([&program] { fmt::print("{}", bash_completion(program)); });
}

}  // namespace braid::cli
