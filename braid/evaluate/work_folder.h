// What a comparison has finished so far, one small JSON file per part of the work.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::evaluate {

class WorkFolder {
 public:
  // settings: everything that a kept part depends on. Throws ConfigError naming each setting that
  // differs from those that the folder was begun with, or that another version of braid wrote it;
  // IoError when it cannot be written.
  WorkFolder(std::filesystem::path folder, const Json& settings);

  // What keep() stored under this name; nothing when the part is not finished. Throws DataError
  // naming the file when it holds something else.
  template <Visited Part>
  std::optional<Part> find(const std::string& name) const {
    Part part;
    if (!update(name, part)) return std::nullopt;
    return part;
  }
  // The same into a struct that has more; false: not finished.
  template <Visited Whole>
  bool update(const std::string& name, Whole& whole) const {
    const auto kept = read(name);
    if (!kept) return false;
    try {
      update_from_json(whole, *kept, file(name).string());
    } catch (const ConfigError& e) {
      refuse(name, e.what());
    }
    return true;
  }
  template <Visited Part>
  void keep(const std::string& name, const Part& part) const {
    keep(name, braid::to_json(part));
  }
  void keep(const std::string& name, const Json& part) const;
  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path file(const std::string& name) const { return folder_ / (name + ".json"); }
  std::optional<Json> read(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& name, const std::string& why) const;

  std::filesystem::path folder_;
};

// The classes of a comparison that goes on in this folder, in the order that it began with; none:
// it is new.
std::vector<std::string> kept_classes(const std::filesystem::path& output);

}  // namespace braid::evaluate
