// What computes: LibTorch, and whatever else learns to.
#pragma once
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/serve/tensor.h"

namespace braid::serve {

// A batch for which an engine has no memory.
class BatchTooLargeError : public DataError {
 public:
  explicit BatchTooLargeError(const std::string& message)
      : DataError("serve", message, "", "send fewer rows, or smaller ones") {}
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;
  // batch: one tensor per input, in their order, of N rows each, checked against inputs(). Returns
  // one per output, of N rows. Called by one thread at a time. Throws BatchTooLargeError, and what
  // computing throws.
  virtual std::vector<Tensor> infer(const std::vector<Tensor>& batch) = 0;
};

// infer(), and that the answers are what outputs() says: a file may declare one shape and compute
// another. Throws DataError where they are not.
std::vector<Tensor> infer(Engine& engine, const std::vector<Tensor>& batch);

}  // namespace braid::serve
