// What OpenVINO is told of a model.
#pragma once
#include <cstdint>
#include <string>

namespace braid::serve {

struct OpenVinoOptions {
  int64_t threads = 0;             // that compute; 0: one per processor that the process may use
  std::string dtype = "float32";   // of what is not in 8 bits; bfloat16; auto: where it is faster
  int64_t pad_token_id = 0;        // of texts: what fills the input_ids of shorter rows
  std::string where = "the file";  // in errors
};

}  // namespace braid::serve
