#include "braid/io/weight_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using Shard = std::map<std::string, TensorView>;

// The rule of huggingface_hub's split_state_dict_into_shards_factory.
std::vector<Shard> split(const std::map<std::string, TensorView>& tensors, uint64_t max_size) {
  std::vector<Shard> shards;
  Shard current;
  uint64_t size = 0;
  for (const auto& [name, view] : tensors) {
    if (view.data.size() > max_size) {
      shards.push_back({{name, view}});
      continue;
    }
    if (size + view.data.size() > max_size) {
      shards.push_back(std::move(current));
      current.clear();
      size = 0;
    }
    current[name] = view;
    size += view.data.size();
  }
  if (!current.empty()) shards.push_back(std::move(current));
  return shards;
}

bool is_shard_of_model(const std::string& name) {
  constexpr std::string_view kShape = "model-00000-of-00000.safetensors";
  return name.size() == kShape.size() &&
         std::equal(name.begin(), name.end(), kShape.begin(), [](char c, char shape) {
           return shape == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == shape;
         });
}

// What is left of weights that were written before these.
void remove_others(const fs::path& folder, const std::set<std::string>& kept) {
  std::vector<fs::path> old;
  for (const auto& entry : list_folder(folder)) {
    const std::string name = entry.filename().string();
    const bool weights =
        name == kWeightsName || name == kWeightIndexName || is_shard_of_model(name);
    if (weights && !kept.contains(name)) old.push_back(entry);
  }
  std::error_code error;  // a file that cannot be removed is no reason to fail
  for (const auto& path : old) fs::remove(path, error);
}

void write_shards(const fs::path& folder, const std::vector<Shard>& shards,
                  const std::map<std::string, std::string>& metadata) {
  const fs::path fresh = folder / ".shards.new";
  std::error_code error;
  fs::remove_all(fresh, error);  // of a call that was killed
  fs::create_directory(fresh, error);
  if (error) throw IoError("io", "cannot create the folder: " + error.message(), fresh.string());
  nlohmann::ordered_json weight_map = nlohmann::ordered_json::object();
  std::set<std::string> names = {kWeightIndexName};
  uint64_t total = 0;
  try {
    for (size_t i = 0; i < shards.size(); ++i) {
      const auto name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
      write_safetensors(fresh / name, shards[i], metadata);
      names.insert(name);
      for (const auto& [tensor, view] : shards[i]) {
        weight_map[tensor] = name;
        total += view.data.size();
      }
    }
    fs::remove(folder / kWeightIndexName);  // until the new one is there, shards may be of either
    for (const auto& name : names)
      if (name != kWeightIndexName) fs::rename(fresh / name, folder / name);
  } catch (const fs::filesystem_error& e) {
    fs::remove_all(fresh, error);
    throw IoError("io", std::string("cannot put the shards in place: ") + e.what(),
                  folder.string());
  } catch (...) {
    fs::remove_all(fresh, error);
    throw;
  }
  fs::remove_all(fresh, error);
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", total}}},
                                        {"weight_map", weight_map}};
  write_file_atomic(folder / kWeightIndexName, index.dump(2) + "\n");
  remove_others(folder, names);
}

}  // namespace

uint64_t parse_byte_size(const std::string& text) {
  static const std::map<std::string, double> kUnits = {
      {"KB", 1e3},   {"MB", 1e6},        {"GB", 1e9},           {"TB", 1e12},
      {"KIB", 1024}, {"MIB", 1048576.0}, {"GIB", 1073741824.0}, {"TIB", 1099511627776.0}};
  constexpr double kMost = 1e18;  // below 2^63 by far
  size_t digits = 0;
  double number = 0;
  try {
    number = std::stod(text, &digits);
  } catch (const std::exception&) {
    digits = 0;
  }
  std::string unit;
  for (const char c : text.substr(digits))
    if (c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto it = kUnits.find(unit);
  const double bytes = it == kUnits.end() ? 0 : std::floor(number * it->second);
  if (digits == 0 || !(bytes >= 1 && bytes <= kMost))
    throw UsageError("io", "expected a size such as 5GB or 300MB, got '" + text + "'", "",
                     "units are KB, MB, GB, TB (1000) and KIB, MIB, GIB, TIB (1024)");
  return static_cast<uint64_t>(bytes);
}

void write_weights(const fs::path& folder, const std::map<std::string, TensorView>& tensors,
                   uint64_t max_shard_size, const std::map<std::string, std::string>& metadata) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError("io", "cannot create the folder: " + error.message(), folder.string());
  const auto shards = split(tensors, max_shard_size);
  if (shards.size() > 1) {
    write_shards(folder, shards, metadata);
    return;
  }
  write_safetensors(folder / kWeightsName, tensors, metadata);
  remove_others(folder, {kWeightsName});
}

}  // namespace braid::io
