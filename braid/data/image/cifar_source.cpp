#include <fmt/format.h>

#include <fstream>

#include "braid/core/error.h"
#include "braid/data/memory_dataset.h"
#include "braid/data/sources.h"
#include "braid/io/cifar.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> read_names(const fs::path& file, int64_t classes) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.empty())  // the names file is optional
    for (int64_t c = 0; c < classes; ++c) names.push_back(std::to_string(c));
  if (static_cast<int64_t>(names.size()) != classes)
    throw DataError("data", fmt::format("expected {} class names, got {}", classes, names.size()),
                    file.string());
  return names;
}

DatasetPtr read_records(const std::vector<fs::path>& files, int64_t classes,
                        const std::vector<std::string>& names) {
  std::vector<Example> examples;
  for (const auto& file : files)
    for (auto& record : io::read_cifar(file, classes))
      examples.push_back({std::move(record.image), record.label});
  return std::make_shared<MemoryDataset>(files[0].filename().string(), std::move(examples), names);
}

}  // namespace

bool is_cifar_folder(const fs::path& folder) {
  return fs::exists(folder / "data_batch_1.bin") || fs::exists(folder / "train.bin");
}

Splits open_cifar(const fs::path& folder) {
  Splits splits;
  const bool ten = fs::exists(folder / "data_batch_1.bin");
  const int64_t classes = ten ? 10 : 100;
  const auto names =
      read_names(folder / (ten ? "batches.meta.txt" : "fine_label_names.txt"), classes);
  std::vector<fs::path> train;
  if (ten) {
    for (int i = 1; i <= 5; ++i) train.push_back(folder / fmt::format("data_batch_{}.bin", i));
  } else {
    train.push_back(folder / "train.bin");
  }
  splits.train = read_records(train, classes, names);
  const fs::path test = folder / (ten ? "test_batch.bin" : "test.bin");
  if (fs::exists(test)) splits.test = read_records({test}, classes, names);
  return splits;
}

}  // namespace braid::data
