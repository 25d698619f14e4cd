#include "braid/data/sources.h"

#include <algorithm>
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/data/locate.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFashionClasses = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                                  "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                                  "Bag",         "Ankle boot"};
const std::vector<std::string> kNames = {"fashion-mnist",
                                         "mnist",
                                         "cifar10",
                                         "cifar100",
                                         "debian-packages",
                                         "debian-packages-en-de",
                                         "debian-packages-text"};

std::string remedy_for(const std::string& name) {
  if (name == "fashion-mnist")
    return "run `braid data get fashion-mnist`, or install Debian's dataset-fashion-mnist";
  if (name.starts_with("debian-")) return "run `braid data get " + name + "`";
  return "put its files there";
}

// The first of the folders where a named dataset may lie.
fs::path locate(const std::string& name) {
  for (const fs::path& folder : {fs::path("/usr/share/datasets") / name, data_home() / name})
    if (fs::is_directory(folder)) return folder;
  throw IoError("data", "dataset '" + name + "' is not on this machine",
                (data_home() / name).string(), remedy_for(name));
}

}  // namespace

fs::path data_home() {
  if (const char* home = std::getenv("BRAID_DATA_HOME")) return home;
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : ".") / ".cache" / "braid";
}

fs::path locate_data(const std::string& spec) {
  if (spec.empty())
    throw UsageError("data", "expected a dataset's name or folder, got nothing", "--data");
  const bool named = std::find(kNames.begin(), kNames.end(), spec) != kNames.end();
  std::error_code error;
  const fs::path path = named && !fs::exists(spec, error) ? locate(spec) : fs::path(spec);
  if (!fs::exists(path, error))
    throw IoError(
        "data", "no such folder or dataset", spec,
        did_you_mean(spec, kNames, "give a folder, or one of fashion-mnist, cifar10, cifar100"));
  return path;
}

bool holds_images(const fs::path& folder) {
  if (is_idx_folder(folder) || is_cifar_folder(folder)) return true;
  std::error_code error;  // what cannot be read is said by whoever opens it
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (io::has_image_suffix(it->path())) return true;
  return false;
}

Splits open_source(const std::string& spec, const SourceOptions& options) {
  const fs::path folder = locate_data(spec);
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw DataError("data", "expected a folder, got a file", spec);
  fs::directory_iterator probe(folder, error);
  if (error) throw IoError("data", "cannot read the folder: " + error.message(), folder.string());
  if (is_idx_folder(folder))
    return open_idx(folder, spec == "fashion-mnist" ? kFashionClasses : std::vector<std::string>{});
  if (is_cifar_folder(folder)) return open_cifar(folder);
  return open_image_folder(folder, options);
}

}  // namespace braid::data
