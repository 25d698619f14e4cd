// The optimizers by their names.
#pragma once
#include <memory>
#include <vector>

#include "braid/train/config.h"
#include "braid/train/optimizer.h"

namespace braid::train {

// bfloat16: whether the run multiplies in it; an optimizer that multiplies matrices does so too.
std::unique_ptr<Optimizer> make_optimizer(std::vector<ParamGroup> groups,
                                          const OptimizerConfig& config, bool bfloat16 = false);

}  // namespace braid::train
