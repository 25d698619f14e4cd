// How far apart the deciding scores of two models are, judged item by item: what both have right
// or wrong says nothing about the difference, so that it is known far better than either score.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/result.h"
#include "braid/torch.h"

namespace braid::evaluate {

// Which items a training has right, [N] bool; of a cross-validation one of each fold, which is
// tested on items of its own.
using RightItems = std::vector<torch::Tensor>;

// a, b: of their trainings, in the same order. Folds weigh alike, as in a score. The interval is
// Bonett and Price's of paired proportions ("Adjusted Wald Confidence Interval for a Difference of
// Binomial Proportions Based on Paired Data", 2012), or that of the folds' mean where it is wider
// (Student's t), and the error of the trainings' mean is added where there are several. Nothing
// where the items differ in number, or there are none.
std::optional<Difference> paired_difference(const std::vector<RightItems>& a,
                                            const std::vector<RightItems>& b);

// Of two models by name; nothing where it is not known.
using FindDifference =
    std::function<std::optional<Difference>(const std::string& a, const std::string& b)>;

}  // namespace braid::evaluate
