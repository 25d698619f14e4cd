#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"

namespace braid::cli {
namespace {

template <class T>
std::string default_text(const T& value) {
  if constexpr (requires { value.has_value(); }) {
    return value ? default_text(*value) : "unset";
  } else {
    const std::string text = Json(value).dump();
    return text == "\"\"" || text == "[]" ? "none" : text;
  }
}

// Turns every visited field into a flag and remembers how to read it.
class FlagAdder final : public FieldVisitor {
 public:
  using Add = std::function<void(std::string field, CLI::Option* option, std::function<Json()>)>;
  FlagAdder(CLI::App& app, Add add) : app_(app), add_(std::move(add)) {}

  void field(const char* n, bool& v, const char* help) override {
    // --name and --no-name, as argparse's BooleanOptionalAction does.
    const std::string flag = dashed(n);
    auto holder = std::make_shared<bool>(v);
    const std::string names =
        flag.starts_with("no-") ? "--" + flag : fmt::format("--{},!--no-{}", flag, flag);
    auto* option = app_.add_flag(names, *holder, fmt::format("{} [{}]", help, default_text(v)));
    add_(n, option, [holder] { return Json(*holder); });
  }
  void field(const char* n, int64_t& v, const char* help) override { value(n, v, help); }
  void field(const char* n, double& v, const char* help) override { value(n, v, help); }
  void field(const char* n, std::string& v, const char* help) override { value(n, v, help); }
  void field(const char* n, std::optional<int64_t>& v, const char* help) override {
    optional(n, v, help);
  }
  void field(const char* n, std::optional<double>& v, const char* help) override {
    optional(n, v, help);
  }
  void field(const char* n, std::optional<std::string>& v, const char* help) override {
    optional(n, v, help);
  }
  void field(const char* n, std::vector<int64_t>& v, const char* help) override {
    list(n, v, help);
  }
  void field(const char* n, std::vector<double>& v, const char* help) override { list(n, v, help); }
  void field(const char* n, std::vector<std::string>& v, const char* help) override {
    list(n, v, help);
  }

 private:
  static std::string dashed(std::string name) {
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
  }
  template <class T>
  CLI::Option* value(const char* name, const T& initial, const char* help) {
    auto holder = std::make_shared<T>(initial);
    auto* option = app_.add_option("--" + dashed(name), *holder,
                                   fmt::format("{} [{}]", help, default_text(initial)));
    add_(name, option, [holder] { return Json(*holder); });
    return option;
  }
  template <class T>
  void optional(const char* name, const std::optional<T>& initial, const char* help) {
    auto holder = std::make_shared<T>();
    auto* option = app_.add_option("--" + dashed(name), *holder,
                                   fmt::format("{} [{}]", help, default_text(initial)));
    add_(name, option, [holder] { return Json(*holder); });
  }
  template <class T>
  void list(const char* name, const std::vector<T>& initial, const char* help) {
    value(name, initial, help)->delimiter(',')->expected(1, CLI::detail::expected_max_vector_size);
  }

  CLI::App& app_;
  Add add_;
};

}  // namespace

void ConfigFlags::add(CLI::App& app, const std::function<void(FieldVisitor&)>& visit) {
  FlagAdder adder(app, [this](std::string field, CLI::Option* option, std::function<Json()> value) {
    flags_.push_back({std::move(field), option, std::move(value)});
  });
  visit(adder);
}

Json ConfigFlags::given() const {
  Json json = Json::object();
  for (const auto& flag : flags_)
    if (flag.option->count() > 0) json[flag.field] = flag.value();
  return json;
}

}  // namespace braid::cli
