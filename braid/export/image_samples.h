// What an image model's file is proven on, and how its graph is put to the proof.
#pragma once
#include <vector>

#include "braid/export/export_report.h"
#include "braid/graph/verify.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

// A batch of 1 and a larger one, of the options' images or of noise, as the file takes them.
std::vector<graph::Sample> image_samples(models::LoadedModel& loaded, const ExportOptions& options);

// Images of noise of another size than the model's, [N,H,W,C] uint8, and what preparing them for
// the model gives, [N,C,height,width].
struct RawImages {
  torch::Tensor bytes, prepared;
};
RawImages raw_noise(const data::InputConfig& input);

}  // namespace braid::onnx
