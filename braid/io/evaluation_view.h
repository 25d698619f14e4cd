// What a model sees of an image when it is evaluated: timm's evaluation transform on bytes.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "braid/io/image.h"
#include "braid/io/resize.h"

namespace braid::io {

struct EvaluationView {
  int64_t channels = 3, height = 224, width = 224;
  std::string interpolation = "bicubic";  // else bilinear, which stands for random too
  double crop_pct = 0.875;                // resize to size / crop_pct, then the centre
  std::string crop_mode = "center";       // center, squash, border
  std::vector<double> mean;               // in [0, 1], of each channel: what border is filled with
};

// Bytes of exactly height x width x channels. crop_mode says what is resized to size / crop_pct
// before the centre is taken: center the shorter side, border the longer one (the rest is filled
// with the mean), squash both sides.
Image evaluation_view(const Image& image, const EvaluationView& view);

// The same before the centre is taken: all of it; its rows and columns, and a part of it, of which
// no more is computed. Of the part the image has the view's channels already, since many parts may
// be asked for. Throws InternalError otherwise.
Image resize_for_evaluation(const Image& image, const EvaluationView& view);
std::pair<int64_t, int64_t> size_for_evaluation(const Image& image, const EvaluationView& view);
Image resize_part_for_evaluation(const Image& image, const EvaluationView& view, const Part& part);
// The pixels from top and left on; they must be there.
Image crop(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width);
// Where the centre begins, of a side with so many pixels more than are taken.
int64_t centred(int64_t rest);

}  // namespace braid::io
