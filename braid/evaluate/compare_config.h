// What a comparison is asked for.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/io/image.h"

namespace braid::evaluate {

// In place of models: those that suit data and budget.
inline constexpr const char* kAutoModels = "auto";

struct CompareConfig {
  // what
  std::string data;
  std::vector<std::string> models = {kAutoModels};
  bool pretrained = false;
  std::string output = "runs/compare";
  std::string task = "auto";
  std::optional<int64_t> img_size;
  std::optional<int64_t> max_length;
  std::string tokenizer;
  int64_t vocab_size = 8000;
  std::string source_lang, target_lang;
  // how much
  std::string budget = "time=2m";
  int64_t seeds = 1;
  int64_t folds = 1;
  int64_t seed = 0;
  bool distill = false;
  std::vector<std::string> skip;
  int64_t robustness_images = 500;
  double latency_seconds = 2;
  // which
  std::string prefer = "accuracy";
  std::optional<double> max_latency_ms;
  std::optional<int64_t> max_params;
  std::string deploy = "none";
  // how
  std::optional<int64_t> batch_size;
  std::string dtype = "auto";
  std::string device = "cpu";
  int64_t workers = 2;
  int64_t threads = 0;
  std::string on_bad_sample = "error";
  double val_fraction = 0.1;
  std::string class_weights = "none";
  std::string sampler = "random";
  int64_t max_image_pixels = io::kMaxImagePixels;
  void visit(FieldVisitor& v);
};

// Throws UsageError or ConfigError naming the flag.
void validate(const CompareConfig& config);

}  // namespace braid::evaluate
