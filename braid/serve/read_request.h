// A body as what is asked of a model, and what is answered where that, or the model, fails.
#pragma once
#include <cstdint>
#include <exception>

#include "braid/serve/http/exchange.h"
#include "braid/serve/memory_budget.h"
#include "braid/serve/metrics.h"
#include "braid/serve/protocol/infer_request.h"
#include "braid/serve/tensor.h"

namespace braid::serve {

// Throws TryAgainError where the budget does not hold them.
void expect_memory(MemoryBudget::Charge& charge, int64_t bytes);

// The body, inflated where it is packed, to at most so many bytes. working: is charged for what
// reading takes. Throws what failure_of() knows.
InferRequest read_request(HttpRequest& request, MemoryBudget::Charge& working, int64_t max_bytes);

// Throws DataError naming the field.
void check_input(const Tensor& tensor, const TensorSpec& spec);

struct Failure {
  Ending ending = Ending::kFailed;
  HttpResponse response{};
};
Failure failure_of(const std::exception_ptr& error);

}  // namespace braid::serve
