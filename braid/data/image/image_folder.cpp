#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/class_folders.h"
#include "braid/data/sources.h"
#include "braid/io/atomic_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMemoryBudget = uint64_t{2} << 30;  // bytes of encoded images kept in memory

uint64_t bytes_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;  // whoever reads it says what is wrong
}

class ImageFolder final : public Dataset {
 public:
  // Every folder's name is one of `classes`.
  ImageFolder(std::vector<ClassFolder> folders, std::vector<std::string> classes,
              const io::DecodeLimits& limits)
      : classes_(std::move(classes)), limits_(limits) {
    std::map<std::string, int64_t> labels;
    for (size_t c = 0; c < classes_.size(); ++c) labels[classes_[c]] = static_cast<int64_t>(c);
    std::sort(folders.begin(), folders.end(),
              [&](const auto& a, const auto& b) { return labels.at(a.name) < labels.at(b.name); });
    uint64_t bytes = 0;
    for (auto& folder : folders)
      for (auto& file : folder.files) {
        bytes += bytes_of(file);
        files_.push_back(std::move(file));
        labels_.push_back(labels.at(folder.name));
      }
    if (bytes <= kMemoryBudget) encoded_.resize(files_.size());
    for (size_t i = 0; i < encoded_.size(); ++i) try {
        encoded_[i] = io::read_file(files_[i]);
      } catch (const UnreadableFileError&) {  // whoever asks for it reads it again
      }
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Example get(int64_t index) const override {
    const auto i = static_cast<size_t>(index);
    if (!is_in_memory(i)) return {io::read_image(files_.at(i), limits_), labels_[i]};
    const auto& bytes = encoded_.at(i);
    return {io::decode_image(bytes.data(), bytes.size(), files_[i].string(), limits_), labels_[i]};
  }
  int64_t label(int64_t index) const override { return labels_.at(static_cast<size_t>(index)); }
  std::string describe(int64_t index) const override {
    return files_.at(static_cast<size_t>(index)).string();
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override {
    std::call_once(channels_known_, [this] { channels_ = find_channels(); });
    return channels_;
  }
  void check_header(int64_t index) const override { header(static_cast<size_t>(index)); }

 private:
  bool is_in_memory(size_t i) const { return !encoded_.empty() && !encoded_.at(i).empty(); }
  io::ImageInfo header(size_t i) const {
    if (!is_in_memory(i)) return io::read_image_info(files_.at(i), limits_);
    const auto& bytes = encoded_.at(i);
    return io::image_info(bytes.data(), bytes.size(), files_[i].string(), limits_);
  }

  // Gray only if all images are, by their headers: one in colour, wherever it lies, is colour that
  // would be lost. In leaps through the set, since most sets are in colour and known by the first.
  int64_t find_channels() const {
    constexpr size_t kLeap = 16;
    bool any = false;
    for (size_t first = 0; first < kLeap; ++first)
      for (size_t i = first; i < files_.size(); i += kLeap) {
        int64_t channels = 0;
        if (!can_read([&] { channels = header(i).channels; })) continue;
        if (channels > 1) return 3;
        any = true;
      }
    return any ? 1 : 3;
  }

  std::vector<std::string> classes_;
  io::DecodeLimits limits_;
  std::vector<fs::path> files_;
  std::vector<int64_t> labels_;
  std::vector<std::vector<uint8_t>>
      encoded_;  // empty when the set is larger than the memory budget
  mutable std::once_flag channels_known_;
  mutable int64_t channels_ = 3;
};

struct ListedSplit {
  fs::path folder;
  std::vector<ClassFolder> classes;
};

ListedSplit list_split(const fs::path& folder, const std::string& name, Splits& splits) {
  if (folder.empty()) return {};
  LeftOut left_out;
  left_out.split = name;
  ListedSplit split{folder, list_class_folders(folder, left_out)};
  if (split.classes.empty())
    throw DataError("data",
                    left_out.any()
                        ? "expected one folder of images per class, got " + to_text(left_out)
                        : std::string("expected one folder per class, got none"),
                    folder.string(), "arrange the images as <folder>/<class>/<image>.jpg");
  if (left_out.any()) splits.left_out.push_back(std::move(left_out));
  return split;
}

void add_names(const ListedSplit& split, std::set<std::string>& names) {
  for (const auto& found : split.classes) names.insert(found.name);
}

// In natural order, or in `order` where that has the same names.
std::vector<std::string> in_order(const std::set<std::string>& names,
                                  const std::vector<std::string>& order) {
  if (order.size() == names.size() && std::set(order.begin(), order.end()) == names) return order;
  std::vector<std::string> natural(names.begin(), names.end());
  std::sort(natural.begin(), natural.end(), natural_less);
  return natural;
}

DatasetPtr open_split(ListedSplit split, const std::set<std::string>& names,
                      const std::vector<std::string>& classes, const io::DecodeLimits& limits) {
  if (split.folder.empty()) return nullptr;
  std::vector<std::string> unknown;
  for (const auto& found : split.classes)
    if (!names.contains(found.name)) unknown.push_back("'" + found.name + "'");
  if (!unknown.empty())
    throw DataError(
        "data", fmt::format("expected classes that train has, got {}", fmt::join(unknown, ", ")),
        split.folder.string(),
        "give train images of these classes, remove their folders here, or name them "
        "as train does");
  return std::make_shared<ImageFolder>(std::move(split.classes), classes, limits);
}

}  // namespace

Splits open_image_folder(const fs::path& folder, const SourceOptions& options) {
  Splits splits;
  auto folders = find_split_folders(folder);
  splits.unsplit = !folders.any();
  if (splits.unsplit) folders.train = folder;
  splits.remarks = std::move(folders.remarks);
  if (folders.left_out.any()) splits.left_out.push_back(std::move(folders.left_out));
  auto train = list_split(folders.train, splits.unsplit ? "all" : "train", splits);
  auto val = list_split(folders.val, "val", splits);
  auto test = list_split(folders.test, "test", splits);
  std::set<std::string> names;
  add_names(train, names);
  if (names.empty()) add_names(val, names), add_names(test, names);
  const auto classes = in_order(names, options.class_order);
  splits.train = open_split(std::move(train), names, classes, options.limits);
  splits.val = open_split(std::move(val), names, classes, options.limits);
  splits.test = open_split(std::move(test), names, classes, options.limits);
  return splits;
}

}  // namespace braid::data
