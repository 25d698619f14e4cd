// What is asked of a quantization.
#pragma once
#include <cstdint>
#include <string>

#include "braid/compress/quantize.h"
#include "braid/core/config.h"
#include "braid/io/image.h"

namespace braid::onnx {

struct QuantizeRequest {
  // A name or a folder, as training takes it; a folder of images without classes, or files of texts
  // without labels.
  std::string data;
  std::string split = "auto";   // what the result is measured on: test, val; auto: test where there
                                // is one
  int64_t samples = 512;        // of the training split, which calibrate
  int64_t eval_samples = 2000;  // of the validation split, by which steps are decided
  int64_t seed = 0;             // of the choice of both
  int64_t workers = 2;          // loader threads
  std::string on_bad_sample = "error";
  bool with_preprocessing = false;  // images of uint8 in, probabilities out
  compress::QuantizeOptions options = {};
  io::DecodeLimits limits = {};
  void visit(FieldVisitor& v);
};

}  // namespace braid::onnx
