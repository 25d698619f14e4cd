// What says why a model decided as it did.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/serve/tensor.h"

namespace braid::serve {

struct ExplainedToken {
  std::string token{};
  double attribution = 0;  // what it adds to the class's logit
  // 0: of the text, 1: of the second of two; none: added around them, without a place.
  std::optional<int64_t> sequence{};
  std::optional<int64_t> start{}, end{};  // in its text, code points, half-open
};

struct Explanation {
  std::string method{};
  int64_t class_index = 0;  // of the likeliest class, which is explained
  double probability = 0;
  // PNG: the image as the model sees it, and with what it looked at over it. Empty for a text.
  std::vector<uint8_t> picture{}, overlay{};
  std::vector<ExplainedToken> tokens{};
  int64_t truncated = 0;  // tokens at a text's end that the model does not read
};

class Explainer {
 public:
  virtual ~Explainer() = default;
  // input: BYTES [1], as Preparation takes it. Called by one thread at a time. Throws DataError.
  virtual Explanation explain(const Tensor& input) = 0;
};

}  // namespace braid::serve
