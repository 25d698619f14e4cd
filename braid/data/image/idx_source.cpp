#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/memory_dataset.h"
#include "braid/data/sources.h"
#include "braid/io/idx.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

// The file itself or its compressed form; empty when neither is there.
fs::path with_or_without_gz(const fs::path& file) {
  if (fs::exists(file)) return file;
  const fs::path compressed = file.string() + ".gz";
  return fs::exists(compressed) ? compressed : fs::path();
}

DatasetPtr read_idx_pair(const fs::path& folder, const std::string& split,
                         std::vector<std::string> classes) {
  const fs::path image_file = with_or_without_gz(folder / (split + "-images-idx3-ubyte"));
  const fs::path label_file = with_or_without_gz(folder / (split + "-labels-idx1-ubyte"));
  if (image_file.empty()) return nullptr;
  if (label_file.empty())
    throw IoError("data", "expected a file of labels beside the images",
                  (folder / (split + "-labels-idx1-ubyte")).string());
  const auto images = io::read_idx(image_file);
  const auto labels = io::read_idx(label_file);
  if (images.shape.size() != 3 || images.shape[1] < 1 || images.shape[2] < 1)
    throw DataError("data", fmt::format("expected 3 dimensions, got {}", images.shape.size()),
                    image_file.string());
  if (labels.shape.size() != 1 || labels.shape[0] != images.shape[0])
    throw DataError("data",
                    fmt::format("expected {} labels, one per image, got {}", images.shape[0],
                                labels.values.size()),
                    label_file.string());
  if (labels.values.empty())
    throw DataError("data", "expected at least one image", image_file.string());
  const uint8_t top = *std::max_element(labels.values.begin(), labels.values.end());
  if (classes.empty())
    for (int c = 0; c <= top; ++c) classes.push_back(std::to_string(c));
  if (top >= classes.size())
    throw DataError("data", fmt::format("expected labels below {}, got {}", classes.size(), top),
                    label_file.string());
  const int64_t H = images.shape[1], W = images.shape[2];
  std::vector<Example> examples(labels.values.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    const auto begin = images.values.begin() + static_cast<int64_t>(i) * H * W;
    examples[i] = {{H, W, 1, std::vector<uint8_t>(begin, begin + H * W)}, labels.values[i]};
  }
  return std::make_shared<MemoryDataset>(image_file.filename().string(), std::move(examples),
                                         std::move(classes));
}

}  // namespace

bool is_idx_folder(const fs::path& folder) {
  return !with_or_without_gz(folder / "train-images-idx3-ubyte").empty();
}

Splits open_idx(const fs::path& folder, const std::vector<std::string>& classes) {
  Splits splits;
  splits.train = read_idx_pair(folder, "train", classes);
  splits.test = read_idx_pair(folder, "t10k", splits.train->classes());
  return splits;
}

}  // namespace braid::data
