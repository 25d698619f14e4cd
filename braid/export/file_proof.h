// A file is run before it is written: its bytes, by braid-run's interpreter.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/graph/verify.h"

namespace braid::onnx {

// What a file may be off by, of the largest output: rounding is far below, a wrong file far above.
struct ProofLimits {
  double relative = 1e-3;
};
// Of probabilities of images that the file prepares: a resized pixel may be a gray level off.
inline constexpr ProofLimits kPreparedLimits = {.relative = 0.2};
// Of 8 bits: a sum in another order may fall on the next step of all that follows.
inline constexpr ProofLimits kRoundedLimits = {.relative = 0.25};

struct FileProof {
  // The largest of all samples; nothing where braid-run lacks an operator.
  std::optional<graph::Deviation> deviation{};
  std::string remark{};  // which one
};

// samples: inputs in the file's order. name: of the model, for errors. Throws InternalError where
// the file says something else than the samples expect, DataError where it cannot be run.
FileProof prove_file(std::string_view bytes, const std::string& name,
                     const std::vector<graph::Sample>& samples, const ProofLimits& limits = {});

// Throws InternalError where a graph is farther from its model than rounding explains.
void expect_close(const graph::Deviation& deviation, const std::string& architecture);

}  // namespace braid::onnx
