// From a comparison's settings to the task on its data.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/workload.h"

namespace braid::evaluate {

// config: outlives the workload. Throws UsageError for its models, DataError or IoError for its
// data.
std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress);
// What --skip may name, of all these tasks together; one task may have less.
std::vector<std::string> skippable_parts();

}  // namespace braid::evaluate
