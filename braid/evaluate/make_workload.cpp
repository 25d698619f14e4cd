#include "braid/evaluate/make_workload.h"

#include "braid/evaluate/image/image_workload.h"
#include "braid/evaluate/image/robustness.h"
#include "braid/evaluate/sample_efficiency.h"

namespace braid::evaluate {

std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress) {
  return std::make_unique<ImageWorkload>(config, progress);
}

std::vector<std::string> skippable_parts() {
  return {kRobustnessProbe, SampleEfficiencyProbe::kName};
}

}  // namespace braid::evaluate
