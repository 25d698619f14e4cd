#include "braid/data/image/class_folders.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/io/image.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;
using FolderId = std::pair<dev_t, ino_t>;

FolderId id_of_folder(const fs::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

// What one folder holds, without what is left out of it.
struct FolderEntries {
  std::vector<fs::path> folders, items;
};

FolderEntries list_entries(const fs::path& folder, const ItemFiles& items, LeftOut& left_out) {
  constexpr size_t kKinds = 8;
  FolderEntries entries;
  for (const auto& path : io::list_folder(folder)) {
    if (path.filename().string().starts_with('.')) {
      ++left_out.hidden;
      continue;
    }
    std::error_code error;
    const auto status = fs::status(path, error);
    if (fs::is_directory(status)) {
      entries.folders.push_back(path);
    } else if (!fs::exists(status)) {
      ++left_out.links;
    } else if (fs::is_regular_file(status) && items.matches(path)) {
      entries.items.push_back(path);
    } else {
      ++left_out.other_files;
      const auto kind = to_lower(path.extension().string());
      auto& kinds = left_out.kinds;
      if (!kind.empty() && kinds.size() < kKinds &&
          std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        kinds.push_back(kind);
    }
  }
  // Links last: what lies here itself is listed under its own name.
  std::sort(entries.folders.begin(), entries.folders.end(), [](const auto& a, const auto& b) {
    const bool link_a = fs::is_symlink(a), link_b = fs::is_symlink(b);
    return link_a != link_b ? link_b : a < b;
  });
  return entries;
}

// entered: the folders that are behind and above, so that links lead into none of them again.
void list_items(const fs::path& folder, const ItemFiles& items, std::set<FolderId>& entered,
                std::vector<fs::path>& files, LeftOut& left_out) {
  if (!entered.insert(id_of_folder(folder)).second) {
    ++left_out.links;
    return;
  }
  auto entries = list_entries(folder, items, left_out);
  files.insert(files.end(), entries.items.begin(), entries.items.end());
  for (const auto& inner : entries.folders) list_items(inner, items, entered, files, left_out);
}

std::set<FolderId> folders_above(const fs::path& folder) {
  std::set<FolderId> above;
  std::error_code error;
  for (fs::path path = fs::canonical(folder, error); !path.empty(); path = path.parent_path()) {
    above.insert(id_of_folder(path));
    if (path == path.root_path()) break;
  }
  return above;
}

}  // namespace

const ItemFiles& image_files() {
  static constexpr ItemFiles kImages{
      [](const fs::path& file) { return io::has_image_suffix(file); }, "images", "<image>.jpg"};
  return kImages;
}

std::vector<fs::path> list_images_below(const fs::path& folder, LeftOut& left_out) {
  std::vector<fs::path> files;
  std::set<FolderId> entered;
  list_items(folder, image_files(), entered, files, left_out);
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<ClassFolder> list_class_folders(const fs::path& folder, LeftOut& left_out,
                                            const ItemFiles& items) {
  const auto entries = list_entries(folder, items, left_out);
  left_out.outside += static_cast<int64_t>(entries.items.size());
  const auto above = folders_above(folder);
  std::vector<ClassFolder> classes;
  for (const auto& path : entries.folders) {
    ClassFolder found{path.filename().string(), {}};
    auto entered = above;
    list_items(path, items, entered, found.files, left_out);
    if (found.files.empty()) {
      left_out.empty_classes.push_back(found.name);
      continue;
    }
    std::sort(found.files.begin(), found.files.end());
    classes.push_back(std::move(found));
  }
  std::sort(classes.begin(), classes.end(),
            [](const auto& a, const auto& b) { return natural_less(a.name, b.name); });
  std::sort(left_out.empty_classes.begin(), left_out.empty_classes.end(), natural_less);
  return classes;
}

}  // namespace braid::data
