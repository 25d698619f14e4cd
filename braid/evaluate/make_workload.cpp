#include "braid/evaluate/make_workload.h"

#include "braid/core/error.h"
#include "braid/data/data_kind.h"
#include "braid/evaluate/image/image_workload.h"
#include "braid/evaluate/image/look_probe.h"
#include "braid/evaluate/sample_efficiency.h"
#include "braid/evaluate/text/text_workload.h"
#include "braid/evaluate/text/translation_workload.h"

namespace braid::evaluate {

std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress) {
  const auto kind = data::kind_of_data(config.data);
  const auto is = [&](const char* task, data::DataKind its) {
    return config.task == tasks::kAutoTask ? kind == its : config.task == task;
  };
  if (is(tasks::kTextClassification, data::DataKind::kLabelledText))
    return std::make_unique<TextWorkload>(config, progress);
  if (is(tasks::kTranslation, data::DataKind::kParallelText))
    return std::make_unique<TranslationWorkload>(config, progress);
  if (is(tasks::kImageClassification, data::DataKind::kImages))
    return std::make_unique<ImageWorkload>(config, progress);
  throw UsageError(
      "compare", std::string("expected images, labelled or parallel texts, got ") + to_string(kind),
      config.data, "`braid train` learns from it");
}

std::vector<std::string> skippable_parts() {
  return {kRobustnessProbe, kLooksProbe, SampleEfficiencyProbe::kName};
}

}  // namespace braid::evaluate
