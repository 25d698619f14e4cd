#include "braid/evaluate/image/evaluate_images.h"

#include "braid/data/dataset.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "braid/evaluate/evaluate_classifier.h"
#include "braid/evaluate/split_name.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {
namespace {

ChosenParts<data::DatasetPtr> choose_images(const EvaluateRequest& request,
                                            const std::vector<std::string>& classes,
                                            Progress& progress) {
  check_split_name(request.split);
  const data::SourceOptions source{.class_order = classes, .limits = request.limits};
  const auto splits = is_as_trained(request.split)
                          ? data::open_dataset(request.data, {.source = source})
                          : data::open_source(request.data, source);
  for (const auto& line : data::remarks_on(splits, request.data)) progress.line(line);
  return choose_parts(splits, request.split, request.data);
}

}  // namespace

Evaluation evaluate_images(models::LoadedModel& loaded, const EvaluateRequest& request,
                           Progress& progress) {
  tasks::expect_classifier_of_images(loaded);
  const auto chosen = choose_images(request, loaded.hub.classes, progress);
  Evaluation out{.architecture = loaded.hub.architecture,
                 .split = {},
                 .scores = {},
                 .classifier = {},
                 .classes = loaded.hub.classes};
  evaluate_parts(
      chosen, loaded.model->num_classes(), request.data,
      [&](const data::DatasetPtr& part, const tasks::SeeLogits& see) {
        return tasks::run_dataset(*loaded.model, part, loaded.hub.input, request.options, progress,
                                  see);
      },
      out);
  return out;
}

}  // namespace braid::evaluate
