// The geometry of windows that slide over images, which convolutions and poolings share, and what
// follows a convolution.
#pragma once
#include "braid/runner/op.h"

namespace braid::runner {

// Of two dimensions; one-dimensional signals are images of one row.
struct Window {
  int64_t kernel[2], stride[2], dilation[2], begin[2], end[2];  // begin, end: padding
  bool one_dimensional = false;

  // Output size along a dimension. Below 1 where the window does not fit.
  int64_t output(int axis, int64_t input) const;
};

// What follows the sums of a convolution.
struct ConvolutionEnding {
  const float* bias = nullptr;      // of each output channel, or none
  const float* residual = nullptr;  // of the output's size, or none
  Activation activation = {};
};

// From the attributes of Conv, MaxPool and their kin. kernel: the weight's, or empty where the
// attribute must say it. Throws DataError for sizes that make no sense.
Window read_window(const NodeView& node, const Dims& kernel);

}  // namespace braid::runner
