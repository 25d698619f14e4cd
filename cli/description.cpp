#include "cli/description.h"

#include <algorithm>

#include "braid/evaluate/model_table.h"
#include "cli/command.h"
#include "cli/usage.h"

namespace braid::cli {
namespace {

// As CLI11 takes them: "--lr", "--resume,!--no-resume", "files".
std::string names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) {
    const auto& negative = option.get_fnames();
    const bool no = std::find(negative.begin(), negative.end(), name) != negative.end();
    names.push_back((no ? "!--" : "--") + name);
  }
  if (option.get_positional()) names.push_back(option.get_name(/*positional=*/true));
  return CLI::detail::join(names, ",");
}

bool is_checked(CLI::Option& option) {
  try {
    option.get_validator(0);
    return true;
  } catch (const CLI::OptionNotFound&) {
    return false;
  }
}

Json describe_option(CLI::Option& option) {
  return {
      {"names", names_of(option)},
      {"type", option.get_type_name()},
      {"help", option.get_description()},
      {"required", option.get_required()},
      {"expected", {option.get_expected_min(), option.get_expected_max()}},
      {"delimiter", std::string(option.get_delimiter() == '\0' ? 0 : 1, option.get_delimiter())},
      {"checked", is_checked(option)},
      {"flag", option.get_expected_max() == 0}};
}

Json describe_verb(const CLI::App& app) {
  const auto* parent = app.get_parent();
  Json json = {{"name", app.get_name()},
               {"description", app.get_description()},
               {"help", app.help(parent == nullptr ? "" : full_name(*parent))},
               {"needs_verb", app.get_require_subcommand_min() > 0},
               {"options", Json::array()},
               {"verbs", Json::array()}};
  for (auto* option : const_cast<CLI::App&>(app).get_options())
    if (option != app.get_help_ptr() && option != app.get_version_ptr())
      json["options"].push_back(describe_option(*option));
  for (const auto* verb : app.get_subcommands({})) json["verbs"].push_back(describe_verb(*verb));
  return json;
}

}  // namespace

Json describe_program(const CLI::App& program) {
  Json json = describe_verb(program);
  json["models"] = Json::array();
  for (const auto& row : evaluate::model_table()) json["models"].push_back(to_json(row));
  json["completion"] = {{"bash", bash_completion(program)}};
  return json;
}

}  // namespace braid::cli
