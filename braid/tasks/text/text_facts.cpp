#include "braid/tasks/text/text_facts.h"

#include "braid/models/macs.h"
#include "braid/models/text/text_cost.h"
#include "braid/runtime/device.h"
#include "braid/tasks/training_rate.h"

namespace braid::tasks {

TrainingFacts text_facts(const TokenizedModel& made, int64_t items, const TaskConfig& config,
                         const FactOptions& options, const std::function<int64_t()>& length) {
  TrainingFacts facts{.train_items = items,
                      .params = models::count_parameters(*made.model),
                      .input_size = made.max_length,
                      .fine_tuning = !config.weights.empty()};
  if (!options.measure_rate) return facts;
  made.model->to(runtime::resolve_device(options.device));
  const int64_t tokens = length();
  facts.items_per_s = training_rate(*made.model, tokens,
                                    models::count_macs(*made.model, {1, tokens}), options.dtype);
  return facts;
}

}  // namespace braid::tasks
