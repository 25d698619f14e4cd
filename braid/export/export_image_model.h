// An image model as an ONNX file, from its weights to the file on disk.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::onnx {

struct ExportOptions {
  bool with_preprocessing = false;  // images of uint8 in, probabilities out
  void visit(FieldVisitor& v);
};

struct ExportReport {
  std::string architecture, file, input, output;  // the last two: "pixel_values Nx3x224x224"
  int64_t opset = 0;
  int64_t operators = 0;      // of the graph that was translated
  int64_t bytes = 0;          // of the file
  double max_error = 0;       // of the graph's logits against the model's, on images of noise
  double relative_error = 0;  // to the largest logit
  void visit(FieldVisitor& v);
};

// Captures, simplifies, proves the graph against the model, then writes the file whole or not at
// all. loaded: in eval mode and reparameterized, as models::load_for_inference gives it. Throws
// DataError where the model cannot be captured or translated, IoError.
ExportReport export_image_model(models::LoadedModel& loaded, const std::filesystem::path& output,
                                const ExportOptions& options = {});

}  // namespace braid::onnx
