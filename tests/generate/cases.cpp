#include "tests/generate/cases.h"

#include <algorithm>

#include "braid/models/registry.h"
#include "braid/models/weights.h"

namespace braid::generate {

namespace fs = std::filesystem;

fs::path case_fixtures() { return fs::path(BRAID_TEST_SOURCE_DIR) / "generate/fixtures"; }

std::vector<fs::path> case_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

torch::Tensor matrix(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return torch::tensor(flat, torch::kLong).view({static_cast<int64_t>(rows.size()), -1});
}

CaseFile read_cases(const fs::path& file) {
  using Rows = std::vector<std::vector<int64_t>>;
  const Json json = read_json(file);
  CaseFile read;
  read.model = models::create_model<models::EncoderDecoder>("transformer_tiny", json.at("model"));
  models::load_weights(*read.model, fs::path(file).replace_extension("safetensors"));
  read.model->eval();
  // The settings say all: transformers takes none of these from the model.
  auto base = default_generation_config(*read.model);
  base.bad_words_ids.clear();
  for (const auto& item : json.at("cases")) {
    SearchCase one;
    one.name = file.stem().string() + " " + std::to_string(read.cases.size());
    one.input.input_ids = matrix(item.at("input_ids").get<Rows>());
    one.input.attention_mask = matrix(item.at("attention_mask").get<Rows>());
    one.config = generation_config_from_json(item.at("settings"), file.string(), base);
    one.sequences = item.at("sequences").get<Rows>();
    if (item.contains("scores")) one.scores = item.at("scores").get<std::vector<double>>();
    read.cases.push_back(std::move(one));
  }
  return read;
}

}  // namespace braid::generate
