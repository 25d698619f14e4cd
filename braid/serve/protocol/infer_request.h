// The body of an inference request: JSON of the Open Inference Protocol v2, with the extension for
// binary tensors.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/serve/tensor.h"

namespace braid::serve {

// JSON takes several times its size while it is read; tensors of this size come as binary data.
constexpr uint64_t kMaxRequestJson = 16 << 20;

struct RequestedOutput {
  std::string name{};
  bool binary = false;
  int64_t classification = 0;  // the best classes as text in place of numbers; 0: numbers
};

struct InferRequest {
  std::string id{};
  std::optional<int64_t> timeout_us{};     // Triton's: how long it may wait
  bool binary_output = false;              // of outputs that say nothing else
  bool raw = false;                        // the body is the only input, unnamed, BYTES [1]
  std::vector<Tensor> inputs{};            // of different names; they share the body
  std::vector<RequestedOutput> outputs{};  // of different names; empty: all
};

// What reading a request takes at most beside its body, in bytes: parsed JSON is several times as
// large as its text. json_bytes: as below.
int64_t reading_bytes(std::string_view body, std::optional<uint64_t> json_bytes);

// json_bytes: Inference-Header-Content-Length; none: the whole body is JSON; 0: it is the raw
// input. Throws DataError naming the field.
InferRequest parse_infer_request(const std::shared_ptr<const std::string>& body,
                                 std::optional<uint64_t> json_bytes);

}  // namespace braid::serve
