// One graph of what two runs have in common.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/graph/capture_request.h"
#include "braid/graph/recorder.h"

namespace braid::graph {

// Batch sizes of the two runs. Neither may be 1, where operators take shortcuts.
inline constexpr int64_t kFirstBatch = 2, kSecondBatch = 3;

struct RecordedRun {
  std::unique_ptr<Recorder> recorder;
  std::vector<ValueId> inputs, outputs;
};

// Throws DataError where they differ by more than integers that follow the batch.
Graph unify(const CaptureRequest& request, const RecordedRun& first, const RecordedRun& second);

}  // namespace braid::graph
