// One figure out of several seeds.
#pragma once
#include <vector>

#include "braid/tasks/score.h"

namespace braid::evaluate {

// Half of the 95% interval of the values' mean (Student's t); 0: there is one.
double half_interval_of_mean(const std::vector<double>& values);

// The mean of one score over at least one seed. Its interval is that of one seed's test set, with
// several seeds widened by the error of their mean (Student's t), the two added as independent;
// unset where the seeds have none. Scores in percent stay within 0 and 100.
tasks::Score mean_score(const std::vector<tasks::Score>& seeds);
// The same of figures whose spread holds the error of their test sets: the wider of the two.
tasks::Score widest_mean(const std::vector<tasks::Score>& scores);

}  // namespace braid::evaluate
