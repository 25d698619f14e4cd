// What evaluations of classifiers have in common, whatever they classify.
#pragma once
#include <chrono>
#include <string>

#include "braid/core/error.h"
#include "braid/evaluate/chosen_parts.h"
#include "braid/evaluate/evaluation.h"
#include "braid/tasks/class_map.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {

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
