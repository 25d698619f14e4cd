#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/image/resize.h"
#include "braid/evaluate/base64.h"
#include "braid/evaluate/image/robustness.h"
#include "braid/evaluate/latency.h"
#include "braid/evaluate/metrics.h"
#include "braid/evaluate/study.h"
#include "braid/models/checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/runtime/tensor_file.h"
#include "braid/tasks/inference.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMistakes = 24;           // shown in the report
constexpr int64_t kThumbnail = 96;          // pixels, their longer side at most
constexpr int64_t kMostClassesShown = 200;  // a larger confusion matrix is left out

models::LoadedModel load(const Study& study, const Json& trained) {
  auto loaded = models::load_for_inference(trained.at("checkpoint").get<std::string>());
  loaded.model->to(runtime::resolve_device(study.config.device));
  return loaded;
}

fs::path scores_file(const Study& study, const Run& run) {
  return study.work.path() / ("scores-" + run_name(run) + ".safetensors");
}

std::string thumbnail(const io::Image& image) {
  const int64_t longer = std::max(image.height, image.width);
  if (longer <= kThumbnail) return to_base64(io::encode_png(image));
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, side * kThumbnail / longer);
  };
  return to_base64(io::encode_png(data::resize(image, scaled(image.height), scaled(image.width),
                                               data::Interpolation::kBicubic)));
}

// The surest mistakes first.
Json mistakes(const data::Dataset& test, const Scores& scores,
              const std::vector<int64_t>& indices) {
  const auto [confidence, predicted] = scores.probabilities.max(1);
  const auto wrong = predicted.ne(scores.labels);
  const auto order =
      torch::where(wrong, confidence, torch::zeros_like(confidence)).argsort(0, true);
  const int64_t count = std::min(kMistakes, wrong.sum().item<int64_t>());
  Json list = Json::array();
  for (int64_t k = 0; k < count; ++k) {
    const auto i = order[k].item<int64_t>();
    const int64_t index = indices.at(static_cast<size_t>(i));
    const auto name = [&](const torch::Tensor& of) {
      return test.classes().at(static_cast<size_t>(of[i].item<int64_t>()));
    };
    list.push_back({{"file", test.describe(index)},
                    {"label", name(scores.labels)},
                    {"prediction", name(predicted)},
                    {"confidence", confidence[i].item<double>()},
                    {"image_png", thumbnail(test.get(index).image)}});
  }
  return list;
}

Json rows_of(const torch::Tensor& matrix) {
  Json rows = Json::array();
  for (int64_t r = 0; r < matrix.size(0); ++r) {
    const auto row = matrix[r].contiguous();
    rows.push_back(
        std::vector<int64_t>(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + row.numel()));
  }
  return rows;
}

}  // namespace

Json evaluate_unit(const Study& study, const Run& run, const Json& trained) {
  const std::string unit = "evaluate-" + run_name(run);
  if (const auto kept = study.work.find(unit)) return *kept;
  auto loaded = load(study, trained);
  const auto predictions = tasks::run_model(*loaded.model, study.test, loaded.card.input,
                                            {.workers = study.config.workers,
                                             .dtype = study.config.dtype,
                                             .on_bad_sample = study.config.on_bad_sample},
                                            study.progress);
  if (predictions.labels.numel() == 0)
    throw DataError("compare", "no " + study.test_split + " image could be read",
                    study.config.data);
  const Scores scores{predictions.logits.softmax(1), predictions.labels};
  const Metrics m = compute_metrics(scores.probabilities, scores.labels);
  Json out = {{"count", m.count},
              {"top1", m.top1},
              {"top1_interval", {m.top1_low, m.top1_high}},
              {"top5", m.top5},
              {"macro_f1", m.macro_f1},
              {"ece", m.ece},
              {"nll", m.nll},
              {"bad_samples", predictions.bad_samples}};
  if (run.fraction == 1) {
    if (m.confusion.size(0) <= kMostClassesShown) out["confusion"] = rows_of(m.confusion);
    out["misclassified"] = mistakes(*study.test, scores, predictions.indices);
    runtime::save_tensors({{"probabilities", scores.probabilities}, {"labels", scores.labels}},
                          scores_file(study, run));
  }
  study.work.keep(unit, out);
  return out;
}

Scores kept_scores(const Study& study, const Run& run) {
  const auto tensors = runtime::load_tensors(scores_file(study, run));
  return {tensors.at("probabilities"), tensors.at("labels")};
}

Json latency_unit(const Study& study, const Run& run, const Json& trained) {
  const std::string unit = "latency-" + run_name(run);
  if (const auto kept = study.work.find(unit)) return *kept;
  auto loaded = load(study, trained);
  LatencyOptions options;
  options.dtype = study.config.dtype;
  const auto latency = measure_latency(*loaded.model, loaded.card.input, options);
  const Json out = {{"latency_ms_p50", latency.p50_ms},
                    {"latency_ms_p95", latency.p95_ms},
                    {"throughput_images_per_s", latency.images_per_s}};
  study.work.keep(unit, out);
  return out;
}

Json robustness_unit(const Study& study, const Run& run, const Json& trained) {
  const std::string unit = "robustness-" + run_name(run);
  if (const auto kept = study.work.find(unit)) return *kept;
  auto loaded = load(study, trained);
  RobustnessOptions options;
  options.images = study.config.robustness_images;
  options.seed = study.config.seed;
  options.workers = study.config.workers;
  options.dtype = study.config.dtype;
  options.on_bad_sample = study.config.on_bad_sample;
  const auto measured =
      measure_robustness(*loaded.model, study.test, loaded.card.input, options, study.progress);
  Json robustness = Json::array(), shuffled = Json::array();
  for (const auto& row : measured.corrupted)
    robustness.push_back(
        {{"corruption", row.corruption}, {"severity", row.severity}, {"top1", row.top1}});
  for (const auto& row : measured.shuffled)
    shuffled.push_back({{"grid", row.grid}, {"top1", row.top1}});
  const Json out = {{"robustness_images", measured.images},
                    {"robustness_clean_top1", measured.clean_top1},
                    {"robustness", robustness},
                    {"shuffled_patches", shuffled}};
  study.work.keep(unit, out);
  return out;
}

}  // namespace braid::evaluate
