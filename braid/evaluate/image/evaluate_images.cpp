#include "braid/evaluate/image/evaluate_images.h"

#include <chrono>

#include "braid/core/error.h"
#include "braid/data/dataset.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "braid/evaluate/class_map.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {
namespace {

struct Split {
  std::string name;
  std::vector<data::DatasetPtr> parts;
};

Split choose(const std::string& spec, std::string name, const data::SourceOptions& source,
             Progress& progress) {
  check_split_name(name);
  if (name == "val" || name == "train") {
    const auto splits = data::open_dataset(spec, {.source = source});  // as training split it
    for (const auto& line : data::remarks_on(splits, spec)) progress.line(line);
    return {name, {name == "val" ? splits.val : splits.train}};
  }
  const auto splits = data::open_source(spec, source);
  for (const auto& line : data::remarks_on(splits, spec)) progress.line(line);
  if (name == "auto") name = splits.test ? "test" : "all";
  if (name == "test" && splits.unsplit) name = "all";  // as in timm, the folder is the split
  if (name == "test") {
    if (!splits.test)
      throw DataError("eval", "the data has no test split", spec, "use --split all or val");
    return {name, {splits.test}};
  }
  Split all{name, {}};
  for (const auto& part : {splits.train, splits.val, splits.test})
    if (part) all.parts.push_back(part);
  return all;
}

}  // namespace

Evaluation evaluate_images(models::LoadedModel& loaded, const EvaluateRequest& request,
                           Progress& progress) {
  tasks::expect_classifier_of_images(loaded);
  const auto& data = request.data;
  const Split chosen = choose(
      data, request.split, {.class_order = loaded.hub.classes, .limits = request.limits}, progress);
  Evaluation out{.architecture = loaded.hub.architecture,
                 .split = chosen.name,
                 .scores = {},
                 .classifier = {},
                 .classes = loaded.hub.classes};
  tasks::ClassifierMetrics metrics(loaded.model->num_classes());
  const auto start = std::chrono::steady_clock::now();
  for (const auto& part : chosen.parts) {
    if (out.classes.empty()) out.classes = part->classes();
    const auto map =
        class_map(part->classes(), loaded.hub.classes, loaded.model->num_classes(), data);
    out.bad_samples += tasks::run_dataset(
        *loaded.model, part, loaded.hub.input, request.options, progress,
        [&](const torch::Tensor& logits, const data::Batch& batch) {
          tasks::expect_finite(logits);
          metrics.update(logits.softmax(1), map.index_select(0, batch.at(data::kLabels)));
        });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (metrics.count() == 0) throw DataError("eval", "no image could be read", data);
  out.count = metrics.count();
  out.items_per_s = static_cast<double>(out.count) / seconds.count();
  out.scores = metrics.scores();
  out.classifier = metrics.report();
  return out;
}

}  // namespace braid::evaluate
