#include "braid/evaluate/work_folder.h"

#include <fmt/format.h>

#include <set>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::evaluate {
namespace {

constexpr uint64_t kRoomNeeded = 1 << 20;  // bytes, for the parts' files alone
// Of the kept parts: a folder of another one is refused, never misread.
constexpr int64_t kFormat = 2;

// braid 0.1 wrote none.
Json format_of(const Json& settings) {
  return settings.is_object() ? settings.value("format", Json(1)) : Json(nullptr);
}

std::string differences(const Json& before, const Json& now) {
  std::string text;
  const auto value_of = [](const Json& settings, const std::string& key) {
    return settings.is_object() ? settings.value(key, Json()) : Json();
  };
  std::set<std::string> keys;  // a setting that has its default may be missing
  for (const auto* settings : {&before, &now})
    for (const auto& item : settings->items())
      if (settings->is_object()) keys.insert(item.key());
  for (const auto& key : keys) {
    const Json old = value_of(before, key), value = value_of(now, key);
    if (old == value) continue;
    text += fmt::format("{}{} was {} and is {}", text.empty() ? "" : "; ", key, old.dump(),
                        value.dump());
  }
  return text;
}

}  // namespace

WorkFolder::WorkFolder(std::filesystem::path folder, const Json& given)
    : folder_(std::move(folder)) {
  io::check_writable(folder_, kRoomNeeded);
  const auto settings_file = file("settings");
  Json settings = {{"format", kFormat}};
  settings.update(given);
  if (!std::filesystem::exists(settings_file)) {
    io::write_file_atomic(settings_file, settings.dump(2) + "\n");
    return;
  }
  const Json before = read_json(settings_file);
  if (format_of(before) != Json(kFormat))
    throw ConfigError(
        "compare",
        fmt::format("expected work of format {}, got {}: another version of braid "
                    "began this comparison",
                    kFormat, format_of(before).dump()),
        folder_.parent_path().string(),
        "continue it with that version, choose another --output, or delete the folder "
        "to begin anew");
  const std::string changed = differences(before, settings);
  if (!changed.empty())
    throw ConfigError("compare",
                      "expected the settings that this folder was begun with; " + changed,
                      folder_.parent_path().string(),
                      "choose another --output, or delete the folder to begin anew");
}

std::optional<Json> WorkFolder::read(const std::string& name) const {
  if (!std::filesystem::exists(file(name))) return std::nullopt;
  return read_json(file(name));
}

void WorkFolder::refuse(const std::string& name, const std::string& why) const {
  throw DataError("compare", "a kept result cannot be read: " + why, file(name).string(),
                  "delete the file to measure that again");
}

void WorkFolder::keep(const std::string& name, const Json& part) const {
  io::write_file_atomic(file(name), dump_json(part, 1) + "\n");
}

std::vector<std::string> kept_classes(const std::filesystem::path& output) {
  const auto file = output / "work" / "settings.json";
  if (!std::filesystem::exists(file)) return {};
  const Json settings = read_json(file);
  const Json names = settings.is_object() ? settings.value("classes", Json()) : Json();
  std::vector<std::string> classes;
  for (const auto& name : names)
    if (name.is_string()) classes.push_back(name.get<std::string>());
  return classes;
}

}  // namespace braid::evaluate
