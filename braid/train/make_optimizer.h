// The optimizers by their names.
#pragma once
#include <memory>
#include <vector>

#include "braid/train/config.h"
#include "braid/train/optimizer.h"

namespace braid::train {

std::unique_ptr<Optimizer> make_optimizer(std::vector<ParamGroup> groups,
                                          const OptimizerConfig& config);

}  // namespace braid::train
