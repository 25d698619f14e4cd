// What each model of a comparison looks at, on the same images.
#pragma once
#include <functional>
#include <string>

#include "braid/data/dataset.h"
#include "braid/evaluate/probe.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::evaluate {

inline constexpr const char* kLooksProbe = "looks";

// Grad-CAM of the predicted class on a few test images, the same for every model, and how far each
// layer's attention looks. Images that cannot be read are passed over; of a model that cannot be
// captured the result says why there are none.
class LookProbe final : public Probe {
 public:
  using Load = std::function<models::LoadedModel(const TrainedRun&)>;
  LookProbe(Load load, data::DatasetPtr test) : load_(std::move(load)), test_(std::move(test)) {}
  std::string name() const override { return kLooksProbe; }
  void measure(const TrainedRun& run, ModelResult& result) override;

 private:
  Load load_;
  data::DatasetPtr test_;
};

}  // namespace braid::evaluate
