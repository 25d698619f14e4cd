// braid-run's interpreter behind the interface of all engines: always there, without LibTorch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "braid/serve/engine.h"

namespace braid::serve {

struct RunnerOptions {
  int64_t threads = 0;             // that compute; 0: one per processor that the process may use
  int64_t pad_token_id = 0;        // of texts: what fills the input_ids of shorter rows
  std::string where = "the file";  // in errors
};

// onnx: the bytes of a file, as `braid export` and `braid quantize` write it, with a free batch,
// and of texts a free length; not needed afterwards. The engine has the file's inputs and outputs,
// in their order and by their names. Throws DataError for a file that the interpreter cannot run.
std::unique_ptr<Engine> open_runner(std::string_view onnx, const RunnerOptions& options = {});

}  // namespace braid::serve
