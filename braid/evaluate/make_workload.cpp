#include "braid/evaluate/make_workload.h"

#include "braid/evaluate/image/image_workload.h"

namespace braid::evaluate {

std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress) {
  return std::make_unique<ImageWorkload>(config, progress);
}

}  // namespace braid::evaluate
