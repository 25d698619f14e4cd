// What a comparison has finished so far, one small JSON file per unit of work.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "braid/core/config.h"

namespace braid::evaluate {

class WorkFolder {
 public:
  // settings: everything that a kept unit depends on. Throws ConfigError naming each setting that
  // differs from those that the folder was begun with, IoError when it cannot be written.
  WorkFolder(std::filesystem::path folder, const Json& settings);

  // What keep() stored under this name; nothing when the unit is not finished.
  std::optional<Json> find(const std::string& unit) const;
  void keep(const std::string& unit, const Json& result) const;
  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace braid::evaluate
