#include "braid/evaluate/make_workload.h"

#include "braid/core/error.h"
#include "braid/data/data_kind.h"
#include "braid/evaluate/image/image_workload.h"
#include "braid/evaluate/image/look_probe.h"
#include "braid/evaluate/sample_efficiency.h"
#include "braid/evaluate/text/text_workload.h"

namespace braid::evaluate {

std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress) {
  const auto kind = data::kind_of_data(config.data);
  const bool text = config.task == "auto" ? kind == data::DataKind::kLabelledText
                                          : config.task == tasks::kTextClassification;
  if (config.task == "auto" && !text && kind != data::DataKind::kImages)
    throw UsageError("compare",
                     std::string("expected images or labelled texts, got ") + to_string(kind),
                     config.data, "`braid train` learns from it");
  if (text) return std::make_unique<TextWorkload>(config, progress);
  return std::make_unique<ImageWorkload>(config, progress);
}

std::vector<std::string> skippable_parts() {
  return {kRobustnessProbe, kLooksProbe, SampleEfficiencyProbe::kName};
}

}  // namespace braid::evaluate
