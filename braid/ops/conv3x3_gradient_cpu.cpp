#include "braid/ops/conv3x3_gradient_cpu.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "braid/core/cpu.h"
#include "braid/ops/kernels/bit_blocks.h"
#include "braid/ops/numbers.h"

namespace braid::ops {
namespace {

using c10::BFloat16;
using Bits = uint16_t;  // of a bfloat16

constexpr int64_t kKernel = 3, kPlaces = kKernel * kKernel;
constexpr int64_t kGroupPixels = 1024;  // whose rows stay in the second-level cache
constexpr int64_t kTile = 32;           // pixels of a matrix unit's product

// Maps one after another, each with a column of zeros behind every row and a row of them at its
// end: what a pixel at a border sees beside it is zero.
struct Group {
  explicit Group(const Conv3x3Shape& shape)
      : pitch(shape.width + 1),
        map((shape.height + 1) * pitch),
        images(std::max<int64_t>(1, kGroupPixels / map)),
        pixels(rounded_up(images * map, kTile)),
        lead(rounded_up(pitch + 1, 8)),
        line(rounded_up(lead + pixels + pitch + 1, kTile) + kTile) {}

  int64_t pitch;   // pixels from row to row
  int64_t map;     // pixels of a map with its zeros
  int64_t images;  // of a group
  int64_t pixels;  // of a group, whole tiles
  int64_t lead;    // zeros before the first pixel of a channel's line
  int64_t line;    // numbers from channel to channel; no power of two, for the cache's sake
};

// What one thread works with.
class GradientSum {
 public:
  GradientSum(const Conv3x3Shape& shape, const Group& group)
      : shape_(shape),
        group_(group),
        x_(group.pixels * shape.in_chs),
        x_lines_(group.line * shape.in_chs),
        dy_(group.pixels * shape.out_chs),
        dy_pairs_(dy_.size()),
        sum_(kPlaces * shape.in_chs * shape.out_chs) {}

  // Images from `first` on, as many as a group at most.
  void add(const Bits* dy, const Bits* x, int64_t first, int64_t count) {
    if (count < filled_) {
      std::fill(x_.begin(), x_.end(), Bits{0});
      std::fill(dy_.begin(), dy_.end(), Bits{0});
    }
    filled_ = count;
    spread(x, first, count, shape_.in_chs, x_.data());
    spread(dy, first, count, shape_.out_chs, dy_.data());
    const int64_t C = shape_.in_chs, O = shape_.out_chs;
    transpose_bits(x_.data(), group_.pixels, C, x_lines_.data() + group_.lead, group_.line);
    pair_rows(dy_.data(), group_.pixels, O, dy_pairs_.data());
    for (int64_t place = 0; place < kPlaces; ++place) {
      const int64_t offset = (place / kKernel - 1) * group_.pitch + place % kKernel - 1;
      at::native::cpublas::brgemm(
          C, O, group_.pixels, group_.line, O, O, /*add_C=*/true,
          reinterpret_cast<const BFloat16*>(x_lines_.data() + group_.lead + offset),
          reinterpret_cast<const BFloat16*>(dy_pairs_.data()), sum_.data() + place * C * O);
    }
  }

  float at(int64_t place, int64_t in, int64_t out) const {
    return sum_[static_cast<size_t>((place * shape_.in_chs + in) * shape_.out_chs + out)];
  }

 private:
  void spread(const Bits* from, int64_t first, int64_t count, int64_t chans, Bits* to) const {
    const int64_t row = shape_.width * chans;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t y = 0; y < shape_.height; ++y)
        std::memcpy(to + (i * group_.map + y * group_.pitch) * chans,
                    from + ((first + i) * shape_.height + y) * row,
                    static_cast<size_t>(row) * sizeof(Bits));
  }

  const Conv3x3Shape& shape_;
  const Group& group_;
  std::vector<Bits> x_, x_lines_, dy_, dy_pairs_;
  std::vector<float> sum_;  // [place, in, out]
  int64_t filled_ = 0;
};

}  // namespace

bool conv3x3_weight_gradient_is_usable() {
  static const bool usable = cpu_has_bf16_tiles() && at::native::cpublas::could_pack(at::kBFloat16);
  return usable;
}

void conv3x3_weight_gradient_cpu(const BFloat16* dy, const BFloat16* x, float* dw,
                                 const Conv3x3Shape& shape) {
  const Group group(shape);
  const int64_t groups = parts(shape.images, group.images);
  const int64_t tasks = std::min<int64_t>(at::get_num_threads(), groups);
  std::vector<GradientSum> sums(static_cast<size_t>(tasks), GradientSum(shape, group));
  at::parallel_for(0, tasks, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task)
      for (int64_t i = groups * task / tasks; i < groups * (task + 1) / tasks; ++i)
        sums[static_cast<size_t>(task)].add(
            reinterpret_cast<const Bits*>(dy), reinterpret_cast<const Bits*>(x), i * group.images,
            std::min(group.images, shape.images - i * group.images));
    at::native::cpublas::brgemm_release();
  });
  const int64_t C = shape.in_chs;
  at::parallel_for(0, shape.out_chs, 8, [&](int64_t first, int64_t last) {
    for (int64_t out = first; out < last; ++out)
      for (int64_t place = 0; place < kPlaces; ++place)
        for (int64_t in = 0; in < C; ++in) {
          float sum = 0;
          for (const auto& part : sums) sum += part.at(place, in, out);
          dw[(out * kPlaces + place) * C + in] = sum;
        }
  });
}

}  // namespace braid::ops
