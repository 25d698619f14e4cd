// From a comparison's settings to the task on its data.
#pragma once
#include <memory>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/workload.h"

namespace braid::evaluate {

// config: outlives the workload. Throws UsageError for its models, DataError or IoError for its
// data.
std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress);

}  // namespace braid::evaluate
