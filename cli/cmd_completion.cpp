// braid completion: what the shell offers after a Tab, made from the verbs and flags themselves.
#include <fmt/format.h>

#include "braid/models/registry.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kCompletionFooter = R"(Examples:
  source <(braid completion bash)                                          for this shell
  braid completion bash > ~/.local/share/bash-completion/completions/braid  for every new one)";

// Flags that take a model or a fixed set of words are answered by their values; what is no flag, by
// file names.
constexpr const char* kScript = R"(# bash completion of braid, written by `braid completion bash`
_braid() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} verb=${{COMP_WORDS[1]}}
  local models="{models}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{verbs} --help --version" -- "$current"))
    return
  fi
  case $previous in
    --model) COMPREPLY=($(compgen -W "$models" -- "$current")); return ;;
    --models)
      local head=""
      [[ $current == *,* ]] && head=${{current%,*}},
      COMPREPLY=($(compgen -P "$head" -W "$models" -- "${{current##*,}}"))
      return ;;
    --opt) COMPREPLY=($(compgen -W "sgd nesterov adamw lamb lion" -- "$current")); return ;;
    --sched) COMPREPLY=($(compgen -W "cosine linear step inverse_sqrt plateau constant" -- "$current")); return ;;
    --dtype) COMPREPLY=($(compgen -W "float32 bfloat16 auto" -- "$current")); return ;;
    --device) COMPREPLY=($(compgen -W "cpu cuda" -- "$current")); return ;;
    --format) COMPREPLY=($(compgen -W "text json csv" -- "$current")); return ;;
    --split) COMPREPLY=($(compgen -W "auto test val train all" -- "$current")); return ;;
    --on-bad-sample) COMPREPLY=($(compgen -W "error skip" -- "$current")); return ;;
  esac
  case $verb in
{cases}  esac
  case $verb:$current in
    *:-*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    forward:*|models:*) COMPREPLY=($(compgen -W "$models" -- "$current") $(compgen -f -- "$current")) ;;
    data:*) COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _braid braid
)";

std::string script(const CLI::App& program) {
  std::string verbs, cases, models;
  for (const auto& entry : models::registry().entries())
    models += (models.empty() ? "" : " ") + entry.name;
  for (const auto* verb : program.get_subcommands({})) {
    verbs += (verbs.empty() ? "" : " ") + verb->get_name();
    std::string words;
    for (const auto* option : verb->get_options())
      for (const auto& name : option->get_lnames()) words += "--" + name + " ";
    for (const auto* inner : verb->get_subcommands({})) words += inner->get_name() + " ";
    cases += fmt::format("    {}) local words=\"{}\" ;;\n", verb->get_name(), words);
  }
  return fmt::format(fmt::runtime(kScript), fmt::arg("models", models), fmt::arg("verbs", verbs),
                     fmt::arg("cases", cases));
}

}  // namespace

void add_completion(CLI::App& program) {
  auto* verb = program.add_subcommand("completion", "Print shell completion (bash)");
  verb->footer(kCompletionFooter);
  auto shell = std::make_shared<std::string>();
  verb->add_option("shell", *shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  verb->callback([&program] { fmt::print("{}", script(program)); });
}

}  // namespace braid::cli
