#include "braid/ops/depthwise_conv_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "braid/ops/kernel_levels.h"

namespace braid::ops {
namespace {

constexpr int64_t kThreadNumbers = 32768;  // not worth a thread below
constexpr int64_t kSummedPixels = 1024;    // in float32, before double takes the sum

constexpr KernelLevel<DepthwiseConvKernels> kDepthwiseConvLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512bf16_depthwise_conv},
    {"avx512", avx512_depthwise_conv},
    {"avx2", avx2_depthwise_conv},
#endif
    {"baseline", baseline_depthwise_conv}};

// Number `tap` of a channel in [channels / 16, kernel * kernel, 16].
int64_t place_of(int64_t channel, int64_t tap, int64_t kernel) {
  return (channel / kBlockChannels * kernel * kernel + tap) * kBlockChannels +
         channel % kBlockChannels;
}

const void* numbers_from(const void* first, int64_t number, bool bfloat16) {
  return static_cast<const char*>(first) + number * bytes_of(bfloat16);
}
void* numbers_from(void* first, int64_t number, bool bfloat16) {
  return static_cast<char*>(first) + number * bytes_of(bfloat16);
}

// One thread's sums over the outputs of a segment.
class WeightSums {
 public:
  WeightSums(const DepthwiseConvKernels& kernels, const DepthwiseShape& shape, Segment segment)
      : kernels_(kernels),
        shape_(shape),
        segment_(segment),
        whole_(rounded_up(shape.chans, kBlockChannels)),
        columns_(rounded_up(segment.count, kTileColumns)),
        sums_(shape.kernel * shape.kernel * whole_),
        bias_sums_(whole_),
        dy_(columns_ * whole_) {}

  // dy: the segment's first pixel in the row of outputs that sees `seen` of x.
  void add(const void* dy, const SeenRows& rows, const Seen& seen) {
    const int64_t block = columns_ * kBlockChannels;
    kernels_.widen(dy, {segment_.count, shape_.chans, shape_.chans, shape_.bfloat16}, dy_.at(0),
                   /*step=*/1, block);
    float* sums[kMostRows];
    for (int64_t r = 0; r < seen.count; ++r)
      sums[r] = sums_.at(seen.place[r] * shape_.kernel * kBlockChannels);
    kernels_.correlate(rows.window(seen), dy_.at(0), block, segment_.count, shape_.chans, sums,
                       bias_sums_.at(0));
    summed_ += segment_.count;
  }
  bool are_many() const { return summed_ >= kSummedPixels; }
  // Adds them to total, [chans, kernel * kernel and the bias], and begins anew.
  void move_to(double* total) {
    const int64_t taps = shape_.kernel * shape_.kernel;
    for (int64_t c = 0; c < shape_.chans; ++c, total += taps + 1) {
      for (int64_t k = 0; k < taps; ++k) total[k] += *sums_.at(place_of(c, k, shape_.kernel));
      total[taps] += *bias_sums_.at(c);
    }
    std::fill_n(sums_.at(0), taps * whole_, 0.0f);
    std::fill_n(bias_sums_.at(0), whole_, 0.0f);
    summed_ = 0;
  }

 private:
  const DepthwiseConvKernels& kernels_;
  const DepthwiseShape& shape_;
  Segment segment_;
  int64_t whole_, columns_;  // channels and outputs up to whole blocks and tiles
  Scratch sums_, bias_sums_, dy_;
  int64_t summed_ = 0;  // pixels
};

}  // namespace

std::vector<const DepthwiseConvKernels*> usable_depthwise_conv_kernels() {
  return usable_kernels(kDepthwiseConvLevels);
}

const DepthwiseConvKernels& depthwise_conv_kernels() {
  static const DepthwiseConvKernels& chosen = *kernels_of(kDepthwiseConvLevels, chosen_level());
  return chosen;
}

View DepthwiseConvPasses::view_of_x() const {
  return {.maps = shape_.x,
          .padding = shape_.padding,
          .kernel = shape_.kernel,
          .stride = shape_.stride};
}

void DepthwiseConvPasses::forward(const void* x, const float* weight, const float* bias,
                                  void* y) const {
  convolve(view_of_x(), x, weight, bias, shape_.y, y);
}

// A convolution of dy, spread by the stride, with the kernel turned by half a circle.
void DepthwiseConvPasses::gradient(const void* dy, const float* weight, void* dx) const {
  const int64_t taps = shape_.kernel * shape_.kernel;
  std::vector<float> turned(static_cast<size_t>(taps * shape_.chans));
  for (int64_t c = 0; c < shape_.chans; ++c)
    std::reverse_copy(weight + c * taps, weight + (c + 1) * taps, turned.begin() + c * taps);
  const View view{.maps = shape_.y,
                  .step = shape_.stride,
                  .padding = shape_.kernel - 1 - shape_.padding,
                  .kernel = shape_.kernel};
  convolve(view, dy, turned.data(), nullptr, shape_.x, dx);
}

void DepthwiseConvPasses::convolve(const View& view, const void* from, const float* weight,
                                   const float* bias, const Maps& outputs, void* to) const {
  const int64_t K = view.kernel, chans = shape_.chans, rows = outputs.images * outputs.height;
  const int64_t whole = rounded_up(chans, kBlockChannels);
  const bool bf16 = shape_.bfloat16;
  const Scratch taps(K * K * whole), start(whole);
  for (int64_t c = 0; c < chans; ++c)
    for (int64_t k = 0; k < K * K; ++k) *taps.at(place_of(c, k, K)) = weight[c * K * K + k];
  if (bias != nullptr) std::copy_n(bias, chans, start.at(0));
  const auto segments = segments_of(view, outputs.width, whole);
  const int64_t grain = std::max<int64_t>(1, kThreadNumbers / (outputs.width * chans));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (const Segment& segment : segments) {
      const PixelRow pixels{segment.count, chans, chans, bf16};
      SeenRows seen_rows(kernels_, view, segment, pixels);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t image = i / outputs.height, row = i % outputs.height;
        if (i == begin || row == 0)
          seen_rows.open(numbers_from(from, image * view.maps.pixels() * chans, bf16));
        const Seen seen = seen_rows.of_output(row);
        const float* taps_of[kMostRows];
        for (int64_t r = 0; r < seen.count; ++r)
          taps_of[r] = taps.at(seen.place[r] * K * kBlockChannels);
        kernels_.convolve(seen_rows.window(seen), taps_of, start.at(0),
                          numbers_from(to, (i * outputs.width + segment.first) * chans, bf16),
                          pixels);
      }
    }
  });
}

void DepthwiseConvPasses::weight_gradient(const void* dy, const void* x, float* dweight,
                                          float* dbias) const {
  const int64_t chans = shape_.chans, taps = shape_.kernel * shape_.kernel;
  const int64_t height = shape_.y.height, width = shape_.y.width, rows = shape_.y.images * height;
  const bool bf16 = shape_.bfloat16;
  const View view = view_of_x();
  const auto segments = segments_of(view, width, rounded_up(chans, kBlockChannels));
  const int64_t parts =
      std::max<int64_t>(1, std::min({rows, rows * width * chans / kThreadNumbers,
                                     static_cast<int64_t>(at::get_num_threads())}));
  std::vector<std::vector<double>> totals(
      static_cast<size_t>(parts), std::vector<double>(static_cast<size_t>((taps + 1) * chans)));
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      double* total = totals[static_cast<size_t>(part)].data();
      const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
      for (const Segment& segment : segments) {
        SeenRows seen_rows(kernels_, view, segment, {segment.count, chans, chans, bf16});
        WeightSums sums(kernels_, shape_, segment);
        for (int64_t i = begin; i < end; ++i) {
          const int64_t image = i / height, row = i % height;
          if (i == begin || row == 0)
            seen_rows.open(numbers_from(x, image * shape_.x.pixels() * chans, bf16));
          const Seen seen = seen_rows.of_output(row);
          sums.add(numbers_from(dy, (i * width + segment.first) * chans, bf16), seen_rows, seen);
          if (sums.are_many()) sums.move_to(total);
        }
        sums.move_to(total);
      }
    }
  });
  for (int64_t c = 0; c < chans; ++c)
    for (int64_t k = 0; k <= taps; ++k) {
      double sum = 0;
      for (const auto& total : totals) sum += total[static_cast<size_t>(c * (taps + 1) + k)];
      if (k < taps)
        dweight[c * taps + k] = static_cast<float>(sum);
      else if (dbias != nullptr)
        dbias[c] = static_cast<float>(sum);
    }
}

}  // namespace braid::ops
