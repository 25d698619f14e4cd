#include "braid/export/quantize_report.h"

namespace braid::onnx {

void QuantizeReport::visit(FieldVisitor& v) {
  v.field("architecture", architecture, "name of the registry");
  v.field("file", file, "what was written");
  v.field("mode", mode, "best or naive");
  v.field("samples", samples, "images or texts that calibrated");
  v.field("weight_bits", weight_bits, "of the weights, 7 where their range was reduced");
  v.field("opset", opset, "ONNX operator set; a later one where weights are stored in 4 bits");
  v.field("bytes", bytes, "of the file");
  v.field("float_bytes", float_bytes, "of the same model exported in float32");
  v.field("size_ratio", size_ratio, "bytes over float_bytes");
  v.field("file_relative_error", file_relative_error,
          "of the file's outputs, run by braid-run, against the quantized graph's, to the largest; "
          "null where it could not");
  v.field("split", split, "what the result was measured on");
  v.field("count", count, "its images or texts; of models that tag or write words their words");
  v.field("float_top1", float_top1, "percent in float32; null without labels");
  v.field("top1", top1, "percent in int8; null without labels");
  v.field("drop", drop, "percentage points lost; null without labels");
  v.field("agreement", agreement, "percent of the outputs with the float model's class");
  v.field("units", units, "operators that could be computed in 8 bits");
  v.field("in_float", in_float, "those of them that stay in float");
  v.field("remarks", remarks, "what a user should know");
  v.list("steps", steps);
}

}  // namespace braid::onnx
