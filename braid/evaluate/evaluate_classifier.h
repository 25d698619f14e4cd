// What evaluations of classifiers have in common, whatever they classify.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/evaluation.h"
#include "braid/tasks/class_map.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {

// The data sets that a split's name means.
template <class DatasetPtr>
struct ChosenParts {
  std::string name;  // of the split, never auto
  std::vector<DatasetPtr> parts;
};

// Whether a split is the one that training made of the data, which data::open_dataset and
// data::open_text_dataset give, rather than what the data itself has.
inline bool is_as_trained(const std::string& split) { return split == "val" || split == "train"; }

// The options that open it so, with the share that was asked for.
template <class OpenOptions>
OpenOptions as_trained(OpenOptions options, const EvaluateRequest& request) {
  if (request.val_fraction) options.val_fraction = *request.val_fraction;
  return options;
}

// splits: data::Splits or data::TextSplits, opened as is_as_trained(name) says; spec: their name,
// for errors. Data without splits is itself the test split, as in timm. Throws DataError where
// there is no such split.
template <class Splits>
ChosenParts<decltype(Splits::train)> choose_parts(const Splits& splits, std::string name,
                                                  const std::string& spec) {
  if (is_as_trained(name)) return {name, {name == "val" ? splits.val : splits.train}};
  if (name == "auto") name = splits.test ? "test" : "all";
  if (name == "test" && splits.unsplit) name = "all";
  if (name == "test") {
    if (!splits.test)
      throw DataError("eval", "the data has no test split", spec, "use --split all or val");
    return {name, {splits.test}};
  }
  ChosenParts<decltype(Splits::train)> all{name, {}};
  for (const auto& part : {splits.train, splits.val, splits.test})
    if (part) all.parts.push_back(part);
  return all;
}

// The one part of what is measured as a whole. Throws DataError where there are several.
template <class DatasetPtr>
DatasetPtr only_part(const ChosenParts<DatasetPtr>& chosen, const std::string& spec) {
  if (chosen.parts.size() != 1 || !chosen.parts[0])
    throw DataError("eval", "expected one split, got " + chosen.name + " of several", spec,
                    "use --split train, val or test");
  return chosen.parts[0];
}

// Fills in all that the parts tell of a classifier of num_classes outputs. out: with items and the
// checkpoint's classes, if it names them. run(part, see): a part through the model; returns its
// items that could not be read. Throws DataError where none could.
template <class DatasetPtr, class Run>
void evaluate_parts(const ChosenParts<DatasetPtr>& chosen, int64_t num_classes,
                    const std::string& spec, const Run& run, Evaluation& out) {
  const auto of_checkpoint = out.classes;
  out.split = chosen.name;
  tasks::ClassifierMetrics metrics(num_classes);
  const auto start = std::chrono::steady_clock::now();
  for (const auto& part : chosen.parts) {
    if (out.classes.empty()) out.classes = part->classes();
    const auto map = tasks::class_map(part->classes(), of_checkpoint, num_classes, spec);
    out.bad_samples += run(part, [&](const torch::Tensor& logits, const data::Batch& batch) {
      tasks::expect_finite(logits);
      metrics.update(logits.softmax(1), map.index_select(0, batch.at(data::kLabels)));
    });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (metrics.count() == 0)
    throw DataError("eval", "no " + out.items.substr(0, out.items.size() - 1) + " could be read",
                    spec);
  out.count = metrics.count();
  out.items_per_s = static_cast<double>(out.count) / seconds.count();
  out.scores = metrics.scores();
  out.classifier = metrics.report();
}

}  // namespace braid::evaluate
