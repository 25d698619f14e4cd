// Post-training quantization of a captured classifier to int8.
//
// A ladder: each step is measured on samples that did not calibrate it, and taken back where it did
// not help.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/compress/quality.h"
#include "braid/core/config.h"
#include "braid/core/progress.h"

namespace braid::compress {

// Whether this processor sums pairs of int8 products in 16 bits, which saturate: x86 without VNNI.
bool saturates_int8();

struct QuantizeOptions {
  std::string mode = "best";  // naive, best
  double max_drop = 0.5;      // percentage points
  int64_t weight_bits = 8;
  std::string reduce_range = "auto";  // on, off
  int64_t qat_steps = 0;              // of quantization-aware training
  double qat_lr = 1e-4;
  void visit(FieldVisitor& v);
  // Of the integers that weights become, auto resolved.
  int64_t bits() const;
};

// What a rung of the ladder brought; the numbers are those of the graph after it.
struct StepRow {
  std::string step;
  std::string note;  // such as "12 of 25 sites"
  bool kept = true;  // else it was taken back
  double kl = 0, error = 0, agreement = 100;
  std::optional<double> top1;
  double seconds = 0;
  void visit(FieldVisitor& v);
};

struct Quantized {
  graph::Graph graph;  // with quantization as operators, for replay and export
  std::vector<StepRow> steps;
  Quality quality;  // on the judge's samples
  int64_t weight_bits = 0;
  int64_t units = 0;                         // operators that could be computed in 8 bits
  std::vector<std::string> float_modules{};  // of those that fell back
};

// reference: simplified, in float. calibration: batches of what it takes, without labels; of texts
// without padding, so that no range holds what stands there. judge: on other samples. Throws
// DataError for a graph in which nothing can be quantized.
Quantized quantize(const graph::Graph& reference, const std::vector<Inputs>& calibration,
                   const Judge& judge, const QuantizeOptions& options, Progress& progress);

}  // namespace braid::compress
