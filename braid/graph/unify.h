// One graph of what several runs have in common.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/graph/capture_request.h"
#include "braid/graph/recorder.h"

namespace braid::graph {

// What is run to be compared. A batch n and one of n + 1; of texts then the same two of two tokens
// more, and of four; of a decoder then the first three again with a memory of two tokens more, and
// the first with four more. None of them is 1, where operators take shortcuts. Throws DataError
// where the request allows too few tokens for that.
std::vector<Sizes> recorded_sizes(const CaptureRequest& request);

struct RecordedRun {
  Sizes sizes;
  std::unique_ptr<Recorder> recorder{};
  std::vector<ValueId> inputs{}, outputs{};
};

// "a batch of 2", "a batch of 2 texts of 6 tokens", "a batch of 2 texts of 6 tokens for texts of
// 5".
std::string described(Sizes sizes);

// runs: of the sizes of recorded_sizes(). Throws DataError where they differ by more than integers
// that follow those sizes.
Graph unify(const CaptureRequest& request, const std::vector<RecordedRun>& runs);

}  // namespace braid::graph
