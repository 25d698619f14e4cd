// One graph of what several runs have in common.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/graph/capture_request.h"
#include "braid/graph/recorder.h"

namespace braid::graph {

struct RecordedRun {
  Sizes sizes;
  std::unique_ptr<Recorder> recorder{};
  std::vector<ValueId> inputs{}, outputs{};
};

// "a batch of 2", "a batch of 2 texts of 6 tokens".
std::string described(Sizes sizes);

// runs: of a batch n and one of n + 1; of texts then the same two of two tokens
// more, and of four. Throws
// DataError where they differ by more than integers that follow batch and length.
Graph unify(const CaptureRequest& request, const std::vector<RecordedRun>& runs);

}  // namespace braid::graph
