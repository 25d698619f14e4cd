#include "braid/export/quantize_request.h"

#include "braid/data/run_fields.h"
#include "braid/export/calibration_data.h"

namespace braid::onnx {

void QuantizeRequest::visit(FieldVisitor& v) {
  options.visit(v);
  v.field("samples", samples, "images or texts of the training split that calibrate",
          {.least = kLeastSamples});
  v.field("eval_samples", eval_samples,
          "images or texts of the validation split by which steps are taken or left", {.least = 1});
  v.field("seed", seed, "of the choice of images or texts", {.least = 0});
  v.field(data::workers_field(), workers);
  v.field(data::on_bad_sample_field(), on_bad_sample);
  v.field("with_preprocessing", with_preprocessing,
          "take images [N,H,W,C] of uint8 in any size and give probabilities");
}

}  // namespace braid::onnx
