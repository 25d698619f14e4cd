#include "braid/tasks/text/length_file.h"

#include "braid/core/json.h"
#include "braid/io/atomic_file.h"

namespace braid::tasks {
namespace {

constexpr const char* kFile = "tokenizer_config.json";
constexpr const char* kField = "model_max_length";
constexpr double kNoLimit = 1e9;  // transformers writes 1e30 where there is none

}  // namespace

int64_t read_max_length(const std::filesystem::path& folder) {
  const auto file = folder / kFile;
  if (!std::filesystem::exists(file)) return 0;
  const Json json = read_json(file);
  if (!json.is_object() || !json.contains(kField) || !json.at(kField).is_number()) return 0;
  const auto length = json.at(kField).get<double>();
  return length >= 1 && length < kNoLimit ? static_cast<int64_t>(length) : 0;
}

void write_max_length(const std::filesystem::path& folder, int64_t max_length) {
  const auto file = folder / kFile;
  Json json = std::filesystem::exists(file) ? read_json(file) : Json::object();
  json[kField] = max_length;
  io::write_file_atomic(file, json.dump(2) + "\n");
}

}  // namespace braid::tasks
