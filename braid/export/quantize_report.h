// What a quantization says of itself.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/compress/quantize.h"
#include "braid/core/config.h"

namespace braid::onnx {

struct QuantizeReport {
  std::string architecture, file, mode;
  int64_t samples = 0;  // that calibrated
  int64_t weight_bits = 0, opset = 0;
  int64_t bytes = 0, float_bytes = 0;
  double size_ratio = 0;
  // Of the file's outputs, run by braid-run, against the quantized graph's, to the largest of them;
  // nothing where braid-run lacks an operator, which `remarks` names.
  std::optional<double> file_relative_error = {};
  std::string split;  // what follows is measured on; "calibration" where nothing else is there
  int64_t count = 0;  // its images or texts; of models that tag or write words their words
  std::optional<double> float_top1 = {}, top1 = {},
                        drop = {};       // percent, points; none without labels
  double agreement = 0;                  // percent
  int64_t units = 0;                     // operators that could be computed in 8 bits
  std::vector<std::string> in_float;     // of those, the ones that stay in float
  std::vector<std::string> remarks;      // what a user should know
  std::vector<compress::StepRow> steps;  // on items of the validation split
  void visit(FieldVisitor& v);
};

}  // namespace braid::onnx
