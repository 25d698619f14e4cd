#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"
#include "cli/command.h"
#include "cli/usage.h"

namespace braid::cli {
namespace {

std::string default_text(const std::string& value) { return value.empty() ? "none" : value; }
template <class T>
std::string default_text(const T& value) {
  const std::string text = Json(value).dump();
  return text == "[]" ? "none" : text;
}
template <class T>
std::string default_text(const std::optional<T>& value) {
  return value ? default_text(*value) : "unset";
}

// Turns every visited field, or those that are named, into a flag and remembers how to read it.
class FlagAdder final : public FieldVisitor {
 public:
  using Add = std::function<void(std::string field, CLI::Option* option, std::function<Json()>)>;
  FlagAdder(CLI::App& app, const std::vector<std::string>& only, Add add)
      : app_(app), only_(only), add_(std::move(add)) {}

 private:
  void on_field(const Field& field, FieldValue value) override {
    if (!only_.empty() && std::find(only_.begin(), only_.end(), field.name) == only_.end()) return;
    std::visit([&](const auto* v) { add(field, *v); }, value);
  }
  void on_nested(const char* name, const NestedFields&) override { refuse(name); }
  // A config's mistake, not a user's.
  [[noreturn]] static void refuse(const char* name) {
    throw InternalError("cli", fmt::format("expected a value that fits a flag, got '{}'", name));
  }

  void add(const Field& field, bool value) {
    // --name and --no-name, as argparse's BooleanOptionalAction does.
    const std::string flag = flag_of(field.name);
    auto holder = std::make_shared<bool>(value);
    const std::string names =
        flag.starts_with("--no-") ? flag : fmt::format("{},!--no-{}", flag, flag.substr(2));
    auto* option = app_.add_flag(names, *holder, help_text(field, initial_text(value)));
    add_(field.name, option, [holder] { return Json(*holder); });
  }
  void add(const Field& field, int64_t value) { add_option(field, value, initial_text(value)); }
  void add(const Field& field, double value) { add_option(field, value, initial_text(value)); }
  void add(const Field& field, const std::string& value) {
    add_option(field, value, initial_text(value));
  }
  template <class T>
  void add(const Field& field, const std::optional<T>& value) {
    add_option(field, T(), initial_text(value));
  }
  template <class T>
  void add(const Field& field, const std::vector<T>& value) {
    add_option(field, value, initial_text(value))
        ->delimiter(',')
        ->expected(1, CLI::detail::expected_max_vector_size);
  }
  template <class T>
  void add(const Field& field, const std::vector<std::vector<T>>&) {
    refuse(field.name);
  }
  template <class T>
  void add(const Field& field, const std::optional<std::vector<T>>&) {
    refuse(field.name);
  }
  void add(const Field& field, const Json&) { refuse(field.name); }

  template <class T>
  std::string initial_text(const T& value) const {
    return only_.empty() ? default_text(value) : "unset";
  }
  static std::string help_text(const Field& field, const std::string& initial) {
    const std::string bounds = bounds_text(field.rules);
    return fmt::format("{}{} [{}]", field.help, bounds.empty() ? "" : " (" + bounds + ")", initial);
  }
  template <class T>
  CLI::Option* add_option(const Field& field, const T& initial, const std::string& default_shown) {
    auto holder = std::make_shared<T>(initial);
    auto* option = app_.add_option(flag_of(field.name), *holder, help_text(field, default_shown));
    if (!field.rules.choices.empty()) show_choices(option, field.rules.choices);
    add_(field.name, option, [holder] { return Json(*holder); });
    return option;
  }

  CLI::App& app_;
  const std::vector<std::string>& only_;
  Add add_;
};

}  // namespace

CLI::Option* show_choices(CLI::Option* option, const std::vector<std::string>& choices) {
  return option->type_name(fmt::format("{{{}}}", fmt::join(choices, ",")));
}

std::vector<std::string> shown_choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (!type.starts_with('{') || !type.ends_with('}')) return {};
  auto choices = CLI::detail::split(type.substr(1, type.size() - 2), ',');
  std::erase_if(choices, [](const auto& choice) { return choice.ends_with(":N"); });
  return choices;
}

CLI::Option* add_choice(CLI::App& app, const std::string& flag, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help) {
  auto* option = app.add_option(flag, value, fmt::format("{} [{}]", help, value));
  return check_choice(show_choices(option, choices), choices);
}

void ConfigFlags::add(CLI::App& app, const VisitFields& visit,
                      const std::vector<std::string>& only) {
  FlagAdder adder(app, only,
                  [this](std::string field, CLI::Option* option, std::function<Json()> value) {
                    flags_.push_back({std::move(field), option, std::move(value)});
                  });
  visit(adder);
  if (!only.empty() && flags_.size() != only.size())
    throw InternalError(
        "cli", fmt::format("expected settings named {}, got others", fmt::join(only, ", ")));
}

void ConfigFlags::group(const std::string& title) {
  for (const auto& flag : flags_) flag.option->group(title);
}

Json ConfigFlags::given() const {
  Json json = Json::object();
  for (const auto& flag : flags_)
    if (flag.option->count() > 0) json[flag.field] = flag.value();
  return json;
}

}  // namespace braid::cli
