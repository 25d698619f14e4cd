#include "braid/evaluate/work_folder.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::evaluate {
namespace {

constexpr uint64_t kRoomNeeded = 1 << 20;  // bytes, for the unit files alone

std::string differences(const Json& before, const Json& now) {
  std::string text;
  for (const auto& [key, value] : now.items()) {
    const Json old = before.is_object() ? before.value(key, Json()) : Json();
    if (old == value) continue;
    text += fmt::format("{}{} was {} and is {}", text.empty() ? "" : "; ", key, old.dump(),
                        value.dump());
  }
  return text;
}

}  // namespace

WorkFolder::WorkFolder(std::filesystem::path folder, const Json& settings)
    : folder_(std::move(folder)) {
  io::check_writable(folder_, kRoomNeeded);
  const auto file = folder_ / "settings.json";
  if (std::filesystem::exists(file)) {
    const std::string changed = differences(read_json(file), settings);
    if (!changed.empty())
      throw ConfigError("compare",
                        "expected the settings that this folder was begun with; " + changed,
                        folder_.parent_path().string(),
                        "choose another --output, or delete the folder to begin anew");
    return;
  }
  io::write_file_atomic(file, settings.dump(2) + "\n");
}

std::optional<Json> WorkFolder::find(const std::string& unit) const {
  const auto file = folder_ / (unit + ".json");
  if (!std::filesystem::exists(file)) return std::nullopt;
  return read_json(file);
}

void WorkFolder::keep(const std::string& unit, const Json& result) const {
  io::write_file_atomic(folder_ / (unit + ".json"), result.dump(1) + "\n");
}

}  // namespace braid::evaluate
