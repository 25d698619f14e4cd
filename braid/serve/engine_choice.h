// Which of two engines serves a model, where both can: the one that answers it faster here. Which
// that is hangs on the model, the numbers it computes in and the machine (docs/benchmarks.md).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "braid/serve/model.h"

namespace braid::serve {

// A request of one item of the model's own size: an image, or a text of some dozen words. Throws
// DataError where its preparation refuses every text.
std::vector<Tensor> made_up_request(const Model& model);

// Seconds of the fastest of some requests to each, in their order: one to each that is not counted,
// then in turns, for half a second in all or one turn where that takes longer. The fastest counts,
// since whatever else the machine does only takes time. Throws what the engines throw.
std::vector<double> time_requests(const std::vector<const Model*>& models);

// The model, whose remark begins with this one.
std::unique_ptr<Model> with_remark(std::unique_ptr<Model> model, const std::string& remark);

// The faster of two, the first where they are equal, or where `time` throws an Error; its remark
// says what was measured, or what was thrown.
std::unique_ptr<Model> faster_of(std::unique_ptr<Model> first, std::unique_ptr<Model> second,
                                 const TimeRequests& time);

}  // namespace braid::serve
