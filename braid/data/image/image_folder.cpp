#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "braid/core/error.h"
#include "braid/data/sources.h"
#include "braid/io/atomic_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMemoryBudget = uint64_t{2} << 30;  // bytes of encoded images kept in memory

bool is_image(const fs::path& file) {
  std::string suffix = file.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png";
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<fs::path> class_folders(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_directory() && !is_hidden(it->path())) folders.push_back(it->path());
  if (error) throw IoError("data", "cannot read the folder: " + error.message(), folder.string());
  std::sort(folders.begin(), folders.end());
  return folders;
}

class ImageFolder final : public Dataset {
 public:
  explicit ImageFolder(const fs::path& folder) {
    const auto folders = class_folders(folder);
    if (folders.empty())
      throw DataError("data", "expected one folder per class, got none", folder.string(),
                      "arrange the images as <folder>/<class>/<image>.jpg");
    uint64_t bytes = 0;
    for (const auto& class_folder : folders) {
      const auto label = static_cast<int64_t>(classes_.size());
      classes_.push_back(class_folder.filename().string());
      std::vector<fs::path> files;
      std::error_code error;
      for (fs::recursive_directory_iterator it(class_folder, error), end; !error && it != end;
           it.increment(error))
        if (it->is_regular_file() && !is_hidden(it->path()) && is_image(it->path())) {
          files.push_back(it->path());
          bytes += it->file_size();
        }
      if (error)
        throw IoError("data", "cannot read the folder: " + error.message(), class_folder.string());
      if (files.empty())
        throw DataError("data", "expected JPEG or PNG files, got an empty class folder",
                        class_folder.string(), "add images or remove the folder");
      std::sort(files.begin(), files.end());
      for (auto& file : files) {
        files_.push_back(std::move(file));
        labels_.push_back(label);
      }
    }
    if (bytes <= kMemoryBudget) encoded_.resize(files_.size());
    for (size_t i = 0; i < encoded_.size(); ++i) encoded_[i] = io::read_file(files_[i]);
    find_channels();
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Example get(int64_t index) const override {
    const auto i = static_cast<size_t>(index);
    if (encoded_.empty()) return {io::read_image(files_.at(i)), labels_[i]};
    const auto& bytes = encoded_.at(i);
    return {io::decode_image(bytes.data(), bytes.size(), files_[i].string()), labels_[i]};
  }
  int64_t label(int64_t index) const override { return labels_.at(static_cast<size_t>(index)); }
  std::string describe(int64_t index) const override {
    return files_.at(static_cast<size_t>(index)).string();
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return channels_; }

 private:
  // Gray only if a few images, spread over the set, all are.
  void find_channels() {
    constexpr size_t kProbes = 16;
    channels_ = 1;
    for (size_t k = 0; k < kProbes && channels_ == 1; ++k) {
      try {
        channels_ = get(static_cast<int64_t>(k * files_.size() / kProbes)).image.channels;
      } catch (const DataError&) {  // a bad image is the loader's business
        channels_ = 3;
      }
    }
  }

  std::vector<std::string> classes_;
  std::vector<fs::path> files_;
  std::vector<int64_t> labels_;
  std::vector<std::vector<uint8_t>>
      encoded_;  // empty when the set is larger than the memory budget
  int64_t channels_ = 3;
};

fs::path first_existing(const fs::path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (fs::is_directory(folder / name)) return folder / name;
  return {};
}

// train: null where there is none to compare the classes with.
DatasetPtr open_split(const fs::path& folder, const DatasetPtr& train) {
  if (folder.empty()) return nullptr;
  auto split = std::make_shared<ImageFolder>(folder);
  if (train && split->classes() != train->classes())
    throw DataError(
        "data",
        fmt::format("expected the classes of train ({}), got ({})",
                    fmt::join(train->classes(), ", "), fmt::join(split->classes(), ", ")),
        folder.string());
  return split;
}

}  // namespace

Splits open_image_folder(const fs::path& folder) {
  const fs::path train = first_existing(folder, {"train"});
  const fs::path val = first_existing(folder, {"val", "valid", "validation"});
  const fs::path test = first_existing(folder, {"test"});
  Splits splits;
  splits.unsplit = train.empty() && val.empty() && test.empty();
  splits.train = open_split(splits.unsplit ? folder : train, nullptr);
  splits.val = open_split(val, splits.train);
  splits.test = open_split(test, splits.train);
  return splits;
}

}  // namespace braid::data
