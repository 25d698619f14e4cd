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
Json comparison_in(const fs::path& folder) {
  const auto file = folder / "work" / "settings.json";
  if (!io::file_exists(file)) return nullptr;
  auto settings = read_json(file);
  if (settings.is_object() && settings.contains("folds"))
    throw DataError("eval",
                    "expected a training that had one val, got one of a comparison's folds, each "
                    "of which had another",
                    folder.string(), "use --split test or all");
  return settings;
}

}  // namespace

std::optional<double> val_fraction_of(const fs::path& checkpoint) {
  auto folder = fs::absolute(checkpoint).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const auto name = folder.filename().string();
  const auto run = folder.parent_path();
  if (name == "winner") return fraction_in(comparison_in(run));
  if (name != "model_best" && name != "last" && !name.starts_with("checkpoint-"))
    return std::nullopt;
  if (run.parent_path().filename() == "models") comparison_in(run.parent_path().parent_path());
  const auto settings = run / "config.toml";
  return io::file_exists(settings) ? fraction_in(read_toml(settings)) : std::nullopt;
}

}  // namespace braid::evaluate
