#include "braid/evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/data/dataset.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {
namespace {

struct Split {
  std::string name;
  std::vector<data::DatasetPtr> parts;
};

Split choose(const std::string& spec, std::string name, const data::SourceOptions& source,
             Progress& progress) {
  const std::vector<std::string> known = {"auto", "test", "val", "train", "all"};
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw UsageError("eval", "unknown split '" + name + "'", "--split", did_you_mean(name, known));
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

// For each class of the data, its index in the checkpoint. A checkpoint without names, as timm
// writes them, has the data's classes in their order.
torch::Tensor class_map(const std::vector<std::string>& of_data,
                        const std::vector<std::string>& of_checkpoint, int64_t num_classes,
                        const std::string& where) {
  if (of_checkpoint.empty()) {
    if (static_cast<int64_t>(of_data.size()) != num_classes)
      throw DataError("eval",
                      fmt::format("the checkpoint knows {} classes without names, the data has {}",
                                  num_classes, of_data.size()),
                      where, "give the names as 'label_names' in the checkpoint's config.json");
    return torch::arange(num_classes, torch::kInt64);
  }
  std::vector<int64_t> map;
  for (const auto& name : of_data) {
    const auto it = std::find(of_checkpoint.begin(), of_checkpoint.end(), name);
    if (it == of_checkpoint.end())
      throw DataError(
          "eval",
          fmt::format("the checkpoint knows {} classes ({}), not '{}'", of_checkpoint.size(),
                      fmt::join(of_checkpoint.begin(),
                                of_checkpoint.begin() +
                                    static_cast<int64_t>(std::min<size_t>(8, of_checkpoint.size())),
                                ", "),
                      name),
          where, "name the class folders as in training");
    map.push_back(it - of_checkpoint.begin());
  }
  return torch::tensor(map, torch::kInt64);
}

}  // namespace

Evaluation evaluate_checkpoint(models::LoadedModel& loaded, const std::string& data,
                               const std::string& split, const EvaluateOptions& options,
                               Progress& progress, const io::DecodeLimits& limits) {
  tasks::expect_classifier_of_images(loaded);
  const Split chosen =
      choose(data, split, {.class_order = loaded.hub.classes, .limits = limits}, progress);
  Evaluation out;
  out.split = chosen.name;
  out.classes = loaded.hub.classes;
  tasks::ClassifierMetrics metrics(loaded.model->num_classes());
  const auto start = std::chrono::steady_clock::now();
  for (const auto& part : chosen.parts) {
    if (out.classes.empty()) out.classes = part->classes();
    const auto map =
        class_map(part->classes(), loaded.hub.classes, loaded.model->num_classes(), data);
    out.bad_samples += tasks::run_dataset(
        *loaded.model, part, loaded.hub.input, options, progress,
        [&](const torch::Tensor& logits, const data::Batch& batch) {
          tasks::expect_finite(logits);
          metrics.update(logits.softmax(1), map.index_select(0, batch.at(data::kLabels)));
        });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (metrics.count() == 0) throw DataError("eval", "no image could be read", data);
  out.images_per_s = static_cast<double>(metrics.count()) / seconds.count();
  out.metrics = metrics.report();
  return out;
}

Json to_json(const Evaluation& e) {
  const auto& m = e.metrics;
  return {{"split", e.split},
          {"count", m.count},
          {"top1", m.top1},
          {"top1_interval", {m.top1_low, m.top1_high}},
          {"top5", m.top5},
          {"macro_f1", m.macro_f1},
          {"ece", m.ece},
          {"loss", m.nll},
          {"images_per_s", e.images_per_s},
          {"bad_samples", e.bad_samples},
          {"classes", e.classes},
          {"confusion", tasks::rows_of(m.confusion)}};
}

}  // namespace braid::evaluate
