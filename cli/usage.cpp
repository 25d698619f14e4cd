#include "cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::cli {
namespace {

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* verb : app.get_subcommands({})) names.push_back(verb->get_name());
  return names;
}

const CLI::App* find_verb(const CLI::App& app, const std::string& name) {
  for (const auto* verb : app.get_subcommands({}))
    if (verb->get_name() == name) return verb;
  return nullptr;
}

[[noreturn]] void refuse(const std::string& what, const CLI::App& verb,
                         const std::string& remedy = "") {
  const std::string help = fmt::format("`{} --help` explains it", full_name(verb));
  throw UsageError("cli", what, "", remedy.empty() ? help : remedy);
}

// A word where a verb must stand. CLI11 itself would answer `braid nonsense --help` with a help.
void check_verbs(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* app = &program;
  for (const auto& word : words) {
    const auto verbs = verbs_of(*app);
    if (verbs.empty()) return;
    if (word.starts_with('-')) continue;  // --help or --version: no verb with verbs takes a value
    const auto* verb = find_verb(*app, word);
    if (verb == nullptr)
      refuse(fmt::format("unknown verb '{}' of {}", word, full_name(*app)), *app,
             did_you_mean(word, verbs, fmt::format("`{} --help` lists them", full_name(*app))));
    app = verb;
  }
}

// A flag that the verb lacks, else a word that is one too many.
void check_extras(const CLI::App& verb, const std::vector<std::string>& extras) {
  std::vector<std::string> flags;
  for (const auto* option : verb.get_options())
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
  for (const auto& extra : extras) {
    const std::string flag = extra.substr(0, extra.find('='));
    if (flag.starts_with('-'))
      refuse(fmt::format("unknown flag '{}' of {}", flag, full_name(verb)), verb,
             did_you_mean(flag, flags));
  }
  if (!extras.empty())
    refuse(fmt::format("unexpected '{}' after {}", extras.front(), full_name(verb)), verb);
}

void last_value_counts(CLI::App& app) {
  for (auto* option : app.get_options()) {
    if (option->get_items_expected_max() <= 1)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    else if (!option->get_positional())
      option->trigger_on_parse();  // a list that is given again begins anew
  }
  for (auto* verb : app.get_subcommands({})) last_value_counts(*verb);
}

// A whole number without leading zeros, as it is typed.
std::string whole_number(const std::string& flag, const std::string& text) {
  constexpr std::string_view kDigits = "0123456789";
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const size_t first = std::min(text.find_first_not_of('0', sign), text.size() - 1);
  int64_t value = 0;
  const std::string plain = (text.starts_with('-') ? "-" : "") + text.substr(first);
  const auto end = plain.data() + plain.size();
  if (text.size() == sign || text.find_first_not_of(kDigits, sign) != std::string::npos ||
      std::from_chars(plain.data(), end, value).ec != std::errc())
    throw CLI::ConversionError(fmt::format("expected a whole number for {}, got '{}'", flag, text));
  return plain;
}

// CLI11 alone takes 010 for 8, and what is too large for the largest number that there is.
void read_whole_numbers(CLI::App& app) {
  for (auto* option : app.get_options())
    if (option->get_type_name() == "INT" || option->get_type_name() == "UINT")
      option->transform(
          [flag = option->get_name()](const std::string& text) { return whole_number(flag, text); },
          "");
  for (auto* verb : app.get_subcommands({})) read_whole_numbers(*verb);
}

// CLI11's word for what is no number where a number is wanted, in ours.
std::string in_words(const std::string& what) {
  constexpr std::string_view kUnread = "Could not convert: ";
  const auto equals = what.find(" = ");
  if (!what.starts_with(kUnread) || equals == std::string::npos) return what;
  return fmt::format("cannot read '{}' as a value of {}", what.substr(equals + 3),
                     what.substr(kUnread.size(), equals - kUnread.size()));
}

}  // namespace

CLI::Option* check_choice(CLI::Option* option, const std::vector<std::string>& choices) {
  return option->check([choices](const std::string& given) -> std::string {
    if (std::find(choices.begin(), choices.end(), given) != choices.end()) return "";
    const auto near = did_you_mean(given, choices);
    return fmt::format("expected one of {}, got '{}'{}", fmt::join(choices, ", "), given,
                       near.empty() ? "" : "; " + near);
  });
}

std::string full_name(const CLI::App& verb) {
  const auto* parent = verb.get_parent();
  return parent == nullptr ? verb.get_name() : full_name(*parent) + " " + verb.get_name();
}

const CLI::App& chosen_verb(const CLI::App& program) {
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

void parse_command_line(CLI::App& program, int argc, const char* const* argv) {
  check_verbs(program, {argv + 1, argv + argc});
  last_value_counts(program);
  read_whole_numbers(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    throw;
  } catch (const CLI::CallForVersion&) {
    throw;
  } catch (const CLI::ParseError& e) {
    const auto& verb = chosen_verb(program);
    check_extras(verb, program.remaining(/*recurse=*/true));
    refuse(in_words(e.what()), verb);
  }
}

}  // namespace braid::cli
