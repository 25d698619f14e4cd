#include "braid/evaluate/trained_split.h"

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/toml.h"
#include "braid/io/posix_file.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

std::optional<double> fraction_in(const Json& settings) {
  if (!settings.is_object()) return std::nullopt;
  const auto found = settings.find("val_fraction");
  if (found == settings.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

// What a comparison in this folder is kept with; null where there is none.
Json settings_in(const fs::path& folder) {
  const auto file = folder / "work" / "settings.json";
  return io::file_exists(file) ? read_json(file) : Json(nullptr);
}

// The same; throws DataError where each fold had another val.
Json comparison_in(const fs::path& folder) {
  auto settings = settings_in(folder);
  if (settings.is_object() && settings.contains("folds"))
    throw DataError("eval",
                    "expected a training that had one val, got one of a comparison's folds, each "
                    "of which had another",
                    folder.string(), "use --split test or all");
  return settings;
}

fs::path without_slash(const fs::path& path) {
  const auto folder = fs::absolute(path).lexically_normal();
  return folder.has_filename() ? folder : folder.parent_path();
}

bool is_of_a_run(const std::string& name) {
  return name == "model_best" || name == "last" || name.starts_with("checkpoint-");
}

}  // namespace

bool was_trained_on(const fs::path& checkpoint, const std::string& data) {
  const auto folder = without_slash(checkpoint);
  const auto name = folder.filename().string();
  const auto run = folder.parent_path();
  Json settings;
  if (name == "winner")
    settings = settings_in(run);
  else if (const auto file = run / "config.toml"; is_of_a_run(name) && io::file_exists(file))
    settings = read_toml(file);
  if (!settings.is_object() || !settings.contains("data") || !settings["data"].is_string())
    return false;
  const auto trained = settings["data"].get<std::string>();
  return trained == data || without_slash(trained) == without_slash(data);
}

std::optional<double> val_fraction_of(const fs::path& checkpoint) {
  const auto folder = without_slash(checkpoint);
  const auto name = folder.filename().string();
  const auto run = folder.parent_path();
  if (name == "winner") return fraction_in(comparison_in(run));
  if (!is_of_a_run(name)) return std::nullopt;
  if (run.parent_path().filename() == "models") comparison_in(run.parent_path().parent_path());
  const auto settings = run / "config.toml";
  return io::file_exists(settings) ? fraction_in(read_toml(settings)) : std::nullopt;
}

}  // namespace braid::evaluate
