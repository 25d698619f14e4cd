#include "braid/serve/warm_up.h"

#include <vector>

#include "braid/core/error.h"

namespace braid::serve {

std::vector<Tensor> made_up_inputs(const Engine& engine) {
  std::vector<Tensor> inputs;
  for (const auto& spec : engine.inputs()) {
    auto shape = spec.shape;
    for (auto& size : shape)
      if (size < 0) size = 1;
    const auto count = static_cast<size_t>(count_of(shape).value_or(0));
    // An attention mask without tokens would make a softmax of nothing: ones are valid tokens too.
    inputs.push_back(spec.type == DataType::kInt64
                         ? make_tensor(spec.name, spec.type, shape, std::vector<int64_t>(count, 1))
                         : make_tensor(spec.name, spec.type, shape, std::vector<float>(count, 0)));
  }
  return inputs;
}

void warm_up(Engine& engine) {
  for (const auto& output : infer(engine, made_up_inputs(engine)))
    if (!is_finite(output))
      throw DataError("checkpoint", "the model's output is not finite", output.name,
                      "its training diverged; take an earlier one of its checkpoints");
}

}  // namespace braid::serve
