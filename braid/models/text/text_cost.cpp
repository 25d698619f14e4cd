#include "braid/models/text/text_cost.h"

#include "braid/models/macs.h"
#include "braid/runtime/eval_scope.h"

namespace braid::models {

int64_t count_macs(TextModel& model, const std::vector<int64_t>& shape) {
  // Not inference mode: composite operators must be seen.
  const runtime::EvalScope scope(model);
  const auto ids = torch::zeros(shape, torch::TensorOptions(scope.device()).dtype(torch::kLong));
  return count_macs([&] {
    if (auto* encoder = dynamic_cast<TextEncoder*>(&model)) encoder->forward({ids, {}, {}});
    if (auto* pair = dynamic_cast<EncoderDecoder*>(&model))
      pair->logits(pair->decode(ids, {}, pair->encode({ids, {}, {}})));
  });
}

}  // namespace braid::models
