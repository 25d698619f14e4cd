#include "cli/front/described_program.h"

#include "cli/usage.h"

// The description's bytes, see cmake/BraidEmbed.cmake.
extern "C" const char braid_description[], braid_description_end[];

namespace braid::cli {
namespace {

// A value that is no number is refused here as there. get_type_name() gives CLI11's own words.
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& type,
                       const std::string& help) {
  if (type == "INT")
    return app.add_option_function<int64_t>(
        names, [](int64_t) {}, help);
  if (type == "UINT")
    return app.add_option_function<uint64_t>(
        names, [](uint64_t) {}, help);
  if (type == "FLOAT")
    return app.add_option_function<double>(
        names, [](double) {}, help);
  return app.add_option_function<std::string>(
      names, [](const std::string&) {}, help);
}

CLI::Option* add_values(CLI::App& app, const std::string& names, const std::string& type,
                        const std::string& help) {
  using Strings = std::vector<std::string>;
  using Integers = std::vector<int64_t>;
  using Numbers = std::vector<double>;
  if (type == "INT")
    return app.add_option_function<Integers>(
        names, [](const Integers&) {}, help);
  if (type == "FLOAT")
    return app.add_option_function<Numbers>(
        names, [](const Numbers&) {}, help);
  return app.add_option_function<Strings>(
      names, [](const Strings&) {}, help);
}

void add_option(CLI::App& app, const Json& json) {
  const auto names = json.at("names").get<std::string>(), help = json.at("help").get<std::string>(),
             type = json.at("type").get<std::string>();
  const int least = json.at("expected")[0].get<int>(), most = json.at("expected")[1].get<int>();
  CLI::Option* option = json.at("flag").get<bool>() ? app.add_flag(names, help)
                        : most > 1                  ? add_values(app, names, type, help)
                                                    : add_value(app, names, type, help);
  if (most > 1) option->expected(least, most);
  const auto delimiter = json.at("delimiter").get<std::string>();
  if (!delimiter.empty()) option->delimiter(delimiter[0]);
  option->required(json.at("required").get<bool>());
  if (json.at("checked").get<bool>() && type.starts_with('{'))
    check_choice(option, CLI::detail::split(type.substr(1, type.size() - 2), ','));
}

void add_content(CLI::App& app, const Json& json) {
  for (const auto& option : json.at("options")) add_option(app, option);
  for (const auto& verb : json.at("verbs"))
    add_content(*app.add_subcommand(verb.at("name").get<std::string>(),
                                    verb.at("description").get<std::string>()),
                verb);
  if (json.at("needs_verb").get<bool>()) app.require_subcommand(1);
}

}  // namespace

DescribedProgram::DescribedProgram()
    : description_(parse_json(std::string_view(braid_description, braid_description_end),
                              {.component = "cli", .where = "the program's description"})),
      app_(description_.at("description").get<std::string>(),
           description_.at("name").get<std::string>()) {
  app_.set_version_flag("--version", "");
  add_content(app_, description_);
}

std::string DescribedProgram::help() const {
  const Json* json = &description_;
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    for (const auto& verb : json->at("verbs"))
      if (verb.at("name") == app->get_name()) {
        json = &verb;
        break;
      }
  }
  return json->at("help").get<std::string>();
}

std::string DescribedProgram::value(const std::string& option) const {
  const auto& results = chosen_verb(app_)[option]->results();
  return results.empty() ? "" : results.back();
}

std::string DescribedProgram::completion(const std::string& shell) const {
  return description_.at("completion").at(shell).get<std::string>();
}

}  // namespace braid::cli
