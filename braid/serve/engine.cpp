#include "braid/serve/engine.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::serve {
namespace {

bool fits(const Tensor& answer, const TensorSpec& spec, int64_t rows) {
  if (answer.type != spec.type || answer.shape.size() != spec.shape.size()) return false;
  if (answer.shape.empty() || answer.rows() != rows) return false;
  for (size_t d = 1; d < spec.shape.size(); ++d)
    if (spec.shape[d] >= 0 && answer.shape[d] != spec.shape[d]) return false;
  const auto count = count_of(answer.shape);
  return count && static_cast<size_t>(*count) * size_of(answer.type) == answer.data.size();
}

}  // namespace

std::vector<Tensor> infer(Engine& engine, const std::vector<Tensor>& batch) {
  auto answers = engine.infer(batch);
  const auto& specs = engine.outputs();
  const int64_t rows = batch.front().rows();
  if (answers.size() != specs.size())
    throw DataError("serve",
                    fmt::format("expected {} outputs, got {}", specs.size(), answers.size()));
  for (size_t i = 0; i < specs.size(); ++i)
    if (!fits(answers[i], specs[i], rows))
      throw DataError(
          "serve",
          fmt::format("expected {} {} of {} rows as output '{}', got {} {}",
                      to_string(specs[i].type), shape_text(specs[i].shape), rows, specs[i].name,
                      to_string(answers[i].type), shape_text(answers[i].shape)),
          "", "export the model again with `braid export`");
  return answers;
}

}  // namespace braid::serve
