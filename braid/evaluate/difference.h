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

// a, b: [N] bool of each of their trainings, in the same order, whether an item is right. The
// interval is Bonett and Price's of paired proportions ("Adjusted Wald Confidence Interval for a
// Difference of Binomial Proportions Based on Paired Data", 2012), widened, where there are several
// trainings, by the error of their mean (Student's t). Nothing where the items differ in number, or
// there are none.
std::optional<Difference> paired_difference(const std::vector<torch::Tensor>& a,
                                            const std::vector<torch::Tensor>& b);

// Of two models by name; nothing where it is not known.
using FindDifference =
    std::function<std::optional<Difference>(const std::string& a, const std::string& b)>;

}  // namespace braid::evaluate
