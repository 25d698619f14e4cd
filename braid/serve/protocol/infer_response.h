// The body of an answer, in JSON with binary tensors behind it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/serve/protocol/infer_request.h"
#include "braid/serve/tensor.h"

namespace braid::serve {

struct InferResponse {
  std::string model_name{}, model_version{}, id{};
  std::vector<int64_t> truncated_rows{};  // texts of which the beginning alone was read
  std::vector<Tensor> outputs{};
};

struct EncodedResponse {
  std::string body{};
  std::optional<size_t> json_bytes{};  // Inference-Header-Content-Length: where binary data follows
};

// The outputs that the request asks for, in its order. classes: names for the classification of
// FP32 [N,K]. Throws DataError for an output that the response does not have, or one that cannot be
// classified.
EncodedResponse encode_response(const InferResponse& response, const InferRequest& request,
                                const std::vector<std::string>& classes);

// BYTES [N,k]: "value:index:name" of the k best of each row, best first, as Triton writes them.
Tensor classify_rows(const Tensor& scores, int64_t k, const std::vector<std::string>& classes);

}  // namespace braid::serve
