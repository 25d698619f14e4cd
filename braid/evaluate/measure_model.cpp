#include <algorithm>
#include <cmath>
#include <numeric>

#include "braid/evaluate/study.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

// Two-sided 97.5% quantiles of Student's t for 1 to 10 degrees of freedom; 2 beyond.
double student_t(size_t degrees) {
  constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447,  2.365, 2.306, 2.262, 2.228};
  return degrees <= 10 ? kTable[degrees - 1] : 2.0;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The interval of one seed's test set; with several seeds widened by the error of their mean, the
// two added as independent.
Json interval(const std::vector<double>& top1, const std::vector<Json>& intervals) {
  const double centre = mean(top1);
  double error = 0;
  if (top1.size() > 1) {
    double squares = 0;
    for (const double v : top1) squares += (v - centre) * (v - centre);
    const auto n = static_cast<double>(top1.size());
    error = student_t(top1.size() - 1) * std::sqrt(squares / (n - 1) / n);
  }
  std::vector<double> below, above;
  for (size_t i = 0; i < top1.size(); ++i) {
    below.push_back(top1[i] - intervals[i][0].get<double>());
    above.push_back(intervals[i][1].get<double>() - top1[i]);
  }
  return {std::max(0.0, centre - std::hypot(mean(below), error)),
          std::min(100.0, centre + std::hypot(mean(above), error))};
}

int64_t folder_bytes(const fs::path& folder) {
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  return bytes;
}

Json sample_efficiency(const Study& study, const ModelFacts& facts, double top1_of_all) {
  Json rows = Json::array();
  for (const double fraction : kFractions) {
    const Run run{.model = facts.name, .seed = study.config.seed, .fraction = fraction};
    const Json trained = train_unit(study, run, facts);
    rows.push_back(
        {{"fraction", fraction}, {"top1", evaluate_unit(study, run, trained).at("top1")}});
  }
  rows.push_back({{"fraction", 1.0}, {"top1", top1_of_all}});
  return rows;
}

}  // namespace

Json measure_model(const Study& study, const ModelFacts& facts) {
  const auto& config = study.config;
  const auto skipped = [&](const char* part) {
    return std::find(config.skip.begin(), config.skip.end(), part) != config.skip.end();
  };
  std::vector<Json> trained, evaluated;
  for (int64_t k = 0; k < config.seeds; ++k) {
    const Run run{.model = facts.name, .seed = config.seed + k};
    trained.push_back(train_unit(study, run, facts));
    evaluated.push_back(evaluate_unit(study, run, trained.back()));
  }
  const auto values = [](const std::vector<Json>& units, const char* key) {
    std::vector<double> list;
    for (const auto& unit : units) list.push_back(unit.at(key).get<double>());
    return list;
  };
  const auto mean_of = [&](const std::vector<Json>& units, const char* key) {
    return mean(values(units, key));
  };
  const auto top1 = values(evaluated, "top1");
  const auto val_top1 = values(trained, "val_top1");
  const auto best =
      static_cast<size_t>(std::max_element(val_top1.begin(), val_top1.end()) - val_top1.begin());
  std::vector<Json> intervals;
  for (const auto& unit : evaluated) intervals.push_back(unit.at("top1_interval"));

  const Run first{.model = facts.name, .seed = config.seed};
  const std::string checkpoint = trained[best].at("checkpoint").get<std::string>();
  Json model = {{"name", facts.name},
                {"family", facts.family},
                {"params", facts.params},
                {"macs", facts.macs},
                {"top1", mean(top1)},
                {"top1_interval", interval(top1, intervals)},
                {"top5", mean_of(evaluated, "top5")},
                {"macro_f1", mean_of(evaluated, "macro_f1")},
                {"ece", mean_of(evaluated, "ece")},
                {"nll", mean_of(evaluated, "nll")},
                {"val_top1", mean(val_top1)},
                {"train_images_per_s", mean_of(trained, "train_images_per_s")},
                {"train_seconds", mean_of(trained, "train_seconds")},
                {"epochs", mean_of(trained, "epochs")}};
  model.update(latency_unit(study, first, trained[0]));
  Json peak;  // null where the system does not tell
  for (const auto& unit : trained) {
    const Json& bytes = unit.at("peak_memory_bytes");
    if (bytes.is_number() && (peak.is_null() || bytes > peak)) peak = bytes;
  }
  model["peak_memory_bytes"] = peak;
  model["checkpoint"] = checkpoint;
  model["checkpoint_bytes"] = folder_bytes(checkpoint);
  model["seed_top1"] = top1;
  model["best_seed"] = config.seed + static_cast<int64_t>(best);
  model["bad_samples"] =
      trained[0].at("bad_samples").get<int64_t>() + evaluated[0].at("bad_samples").get<int64_t>();
  model["recipe"] = trained[0].at("recipe");
  model["curve"] = trained[0].at("curve");
  if (!skipped("robustness")) model.update(robustness_unit(study, first, trained[0]));
  if (!skipped("efficiency")) model["sample_efficiency"] = sample_efficiency(study, facts, top1[0]);
  if (evaluated[0].contains("confusion")) model["confusion"] = evaluated[0].at("confusion");
  model["misclassified"] = evaluated[0].at("misclassified");
  return model;
}

}  // namespace braid::evaluate
