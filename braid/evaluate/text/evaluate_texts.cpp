#include "braid/evaluate/text/evaluate_texts.h"

#include <chrono>

#include "braid/core/error.h"
#include "braid/data/summary.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/class_map.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::evaluate {
namespace {

struct TextSplit {
  std::string name;
  std::vector<data::TextDatasetPtr> parts;
};

TextSplit choose_texts(const EvaluateRequest& request, const std::vector<std::string>& classes,
                       Progress& progress) {
  check_split_name(request.split);
  const data::TextSourceOptions source{.class_order = classes,
                                       .on_bad_sample = request.options.on_bad_sample};
  std::string name = request.split;
  const bool as_trained = name == "val" || name == "train";  // as training split it
  const auto splits = as_trained ? data::open_text_dataset(request.data, {.source = source})
                                 : data::open_text_source(request.data, source);
  for (const auto& line : data::remarks_on(splits.left_out, splits.remarks, request.data))
    progress.line(line);
  if (as_trained) return {name, {name == "val" ? splits.val : splits.train}};
  if (name == "auto") name = splits.test ? "test" : "all";
  if (name == "test" && splits.unsplit) name = "all";
  if (name == "test") {
    if (!splits.test)
      throw DataError("eval", "the data has no test split", request.data, "use --split all or val");
    return {name, {splits.test}};
  }
  TextSplit all{name, {}};
  for (const auto& part : {splits.train, splits.val, splits.test})
    if (part) all.parts.push_back(part);
  return all;
}

}  // namespace

Evaluation evaluate_texts(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                          Progress& progress) {
  const auto classifier = tasks::load_text_classifier(checkpoint);
  classifier.model->to(runtime::resolve_device(request.device));
  const auto& classes = classifier.hub.classes;
  const int64_t count = classifier.model->num_labels();
  const auto chosen = choose_texts(request, classes, progress);
  Evaluation out{.architecture = classifier.hub.architecture,
                 .split = chosen.name,
                 .items = "texts",
                 .scores = {},
                 .classifier = {},
                 .classes = classes};
  tasks::ClassifierMetrics metrics(count);
  const auto start = std::chrono::steady_clock::now();
  for (const auto& part : chosen.parts) {
    if (out.classes.empty()) out.classes = part->classes();
    const auto map = class_map(part->classes(), classes, count, request.data);
    out.bad_samples += tasks::run_texts(
        classifier, part, request.options, progress,
        [&](const torch::Tensor& logits, const data::Batch& batch) {
          tasks::expect_finite(logits);
          metrics.update(logits.softmax(1), map.index_select(0, batch.at(data::kLabels)));
        });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (metrics.count() == 0) throw DataError("eval", "no text could be read", request.data);
  out.count = metrics.count();
  out.items_per_s = static_cast<double>(out.count) / seconds.count();
  out.scores = metrics.scores();
  out.classifier = metrics.report();
  return out;
}

}  // namespace braid::evaluate
