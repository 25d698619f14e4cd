#include "braid/ops/winograd_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "braid/ops/kernel_levels.h"
#include "braid/ops/numbers.h"

namespace braid::ops {
namespace {

using runner::Matrix;
using torch::Tensor;

constexpr int64_t kOutputs = kWinogradOutputs, kInputs = kWinogradInputs, kPlaces = kWinogradPlaces;
constexpr int64_t kBlockNumbers = 1 << 18;   // of a block of tiles: they stay near the processor
constexpr int64_t kSharedNumbers = 1 << 20;  // of such a block, where all threads work on one
constexpr int64_t kGrainTiles = 8;
constexpr int64_t kTurnedTogether = 16;   // channels of filters
constexpr int64_t kLeastBlockTiles = 48;  // over which a product reads its filters once

constexpr KernelLevel<WinogradKernels> kWinogradLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512bf16_winograd},
    {"avx512", avx512_winograd},
    {"avx2", avx2_winograd},
#endif
    {"baseline", baseline_winograd}};

// Which pixels of which image the tiles are, one after another.
class TilePixels {
 public:
  // outside: a line of numbers for what is beside the map.
  TilePixels(const WinogradMaps& maps, const void* data, int64_t chans, const void* outside)
      : maps_(maps),
        data_(static_cast<const char*>(data)),
        outside_(outside),
        pixel_(chans * bytes_of(maps.bfloat16)),
        across_(winograd_tiles(maps.width)),
        of_image_(winograd_tiles(maps.height) * across_) {}

  // Of the `side` x `side` pixels of a tile, `before` of them above and to the left of its outputs.
  template <class Address>
  void find(int64_t tile, int64_t side, int64_t before, Address* pixels) const {
    const int64_t image = tile / of_image_, place = tile % of_image_;
    const int64_t top = place / across_ * kOutputs - before;
    const int64_t left = place % across_ * kOutputs - before;
    for (int64_t i = 0; i < side; ++i)
      for (int64_t j = 0; j < side; ++j) {
        const int64_t row = top + i, column = left + j;
        const bool inside = row >= 0 && row < maps_.height && column >= 0 && column < maps_.width;
        const void* at = outside_;
        if (inside) at = data_ + ((image * maps_.height + row) * maps_.width + column) * pixel_;
        pixels[i * side + j] = const_cast<Address>(at);
      }
  }

 private:
  const WinogradMaps& maps_;
  const char* data_;
  const void* outside_;
  int64_t pixel_;              // bytes
  int64_t across_, of_image_;  // tiles of a row, of an image
};

Tensor buffer(int64_t numbers) { return at::empty({numbers}, at::kFloat); }

}  // namespace

WinogradLevel winograd_level() {
  static const WinogradKernels& transforms = *kernels_of(kWinogradLevels, chosen_level());
  return {transforms, runner::kernels()};
}

std::vector<WinogradLevel> usable_winograd_levels() {
  std::vector<WinogradLevel> usable;
  for (const auto* products : runner::usable_kernels())
    for (const auto* transforms : usable_kernels(kWinogradLevels))
      if (goes_with(transforms->name, products->name)) usable.push_back({*transforms, *products});
  return usable;
}

// Tiles of a block, whose transformed numbers have `chans` channels: blocks of one size for all
// threads.
int64_t WinogradPasses::block_tiles(int64_t chans) const {
  const int64_t rows = level_.products.rows;
  const int64_t fit = std::max(kLeastBlockTiles, kBlockNumbers / (kPlaces * chans)) / rows * rows;
  const int64_t even = parts(tiles(), rounded_up(parts(tiles(), fit), at::get_num_threads()));
  return even < 2 * rows ? even : std::min(fit, rounded_up(even, rows));
}

// [place, panel of outputs, in, outputs of a panel]
Tensor WinogradPasses::empty_packed(int64_t in_chs, int64_t out_chs) const {
  return buffer(kPlaces * rounded_up(out_chs, level_.products.columns) * in_chs);
}
WinogradLayout WinogradPasses::packed_layout(int64_t in_chs, int64_t out_chs) const {
  const int64_t columns = level_.products.columns;
  return {.place_step = rounded_up(out_chs, columns) * in_chs,
          .panel_step = columns * in_chs,
          .panel = columns};
}

Tensor WinogradPasses::pack(const float* filters, int64_t in_chs, int64_t out_chs) const {
  const Tensor packed = empty_packed(in_chs, out_chs);
  const WinogradLayout layout = packed_layout(in_chs, out_chs);
  const int64_t filter = kWinogradTaps * in_chs;
  at::parallel_for(0, parts(in_chs, kTurnedTogether), 1, [&](int64_t first, int64_t last) {
    // Channels of x, one after another, of all filters: what a vector is of.
    std::vector<float> lines(static_cast<size_t>(kWinogradTaps * kTurnedTogether * out_chs) +
                             runner::kSlack);
    for (int64_t c = first * kTurnedTogether; c < std::min(in_chs, last * kTurnedTogether);
         c += kTurnedTogether) {
      const int64_t count = std::min(kTurnedTogether, in_chs - c);
      for (int64_t tap = 0; tap < kWinogradTaps; ++tap)
        level_.products.transpose(filters + tap * in_chs + c, filter, out_chs, count,
                                  lines.data() + tap * count * out_chs, out_chs);
      for (int64_t i = 0; i < count; ++i)
        level_.transforms.filters(
            lines.data() + i * out_chs, count * out_chs, out_chs,
            packed.mutable_data_ptr<float>() + (c + i) * level_.products.columns, layout);
    }
  });
  return packed;
}

Tensor WinogradPasses::pack_turned(const float* filters, int64_t in_chs, int64_t out_chs) const {
  const int64_t from = out_chs, to = in_chs;
  const Tensor packed = empty_packed(from, to);
  const WinogradLayout layout = packed_layout(from, to);
  at::parallel_for(0, out_chs, 8, [&](int64_t first, int64_t last) {
    for (int64_t o = first; o < last; ++o)
      level_.transforms.filters(
          filters + (o * kWinogradTaps + kWinogradTaps - 1) * in_chs, -in_chs, in_chs,
          packed.mutable_data_ptr<float>() + o * level_.products.columns, layout);
  });
  return packed;
}

void WinogradPasses::convolve(const void* x, int64_t in_chs, const float* packed, void* y,
                              int64_t out_chs, const WinogradAfter& after) const {
  const auto& products = level_.products;
  const int64_t columns = products.columns, panels = parts(out_chs, columns);
  const int64_t block = block_tiles(in_chs + out_chs), blocks = parts(tiles(), block);
  const int64_t tasks = std::min<int64_t>(at::get_num_threads(), blocks);
  const int64_t task_numbers = block * kPlaces * (in_chs + out_chs) + out_chs + runner::kSlack;
  const Tensor memory = buffer(tasks * task_numbers),
               zeros = at::zeros({std::max(in_chs, out_chs)}, at::kFloat);
  const WinogradLayout in_layout{.place_step = block * in_chs, .panel = in_chs},
      out_layout{.place_step = block * out_chs, .panel = out_chs};
  at::parallel_for(0, tasks, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      float* transformed = memory.mutable_data_ptr<float>() + task * task_numbers;
      float* sums = transformed + block * kPlaces * in_chs;
      float* beside = sums + block * kPlaces * out_chs;
      const TilePixels inputs(maps_, x, in_chs, zeros.const_data_ptr()),
          outputs(maps_, y, out_chs, beside),
          others(maps_, after.other, out_chs, zeros.const_data_ptr());
      const void *from[kPlaces], *added[kOutputs * kOutputs];
      void* to[kOutputs * kOutputs];
      const WinogradEnding ending{.bias = after.bias,
                                  .others = after.other == nullptr ? nullptr : added,
                                  .relu = after.relu};
      for (int64_t b = blocks * task / tasks; b < blocks * (task + 1) / tasks; ++b) {
        const int64_t begin = b * block, count = std::min(block, tiles() - begin);
        for (int64_t t = 0; t < count; ++t) {
          inputs.find(begin + t, kInputs, 1, from);
          level_.transforms.inputs(from, in_chs, maps_.bfloat16, transformed + t * in_chs,
                                   in_layout);
        }
        for (int64_t place = 0; place < kPlaces; ++place)
          for (int64_t j = 0; j < panels; ++j)
            for (int64_t i = 0; i < count; i += products.rows)
              products.tile(
                  std::min(products.rows, count - i), std::min(columns, out_chs - j * columns),
                  in_chs,
                  Matrix{.data = transformed + (place * block + i) * in_chs, .row_stride = in_chs},
                  packed + (place * panels + j) * columns * in_chs,
                  sums + (place * block + i) * out_chs + j * columns, out_chs,
                  /*add=*/false, /*finish=*/nullptr);
        for (int64_t t = 0; t < count; ++t) {
          outputs.find(begin + t, kOutputs, 0, to);
          if (after.other != nullptr) others.find(begin + t, kOutputs, 0, added);
          level_.transforms.outputs(sums + t * out_chs, out_layout, to, out_chs, maps_.bfloat16,
                                    ending);
        }
      }
    }
  });
}

void WinogradPasses::weight_gradient(const void* dy, int64_t out_chs, const void* x, int64_t in_chs,
                                     float* dfilters) const {
  const auto& products = level_.products;
  const int64_t columns = products.columns, panels = parts(in_chs, columns);
  const int64_t in_wide = panels * columns, matrix = out_chs * in_chs;
  const int64_t block = std::min(
      tiles(), std::max(kLeastBlockTiles, kSharedNumbers / (kPlaces * (in_wide + out_chs))));
  const Tensor memory =
      buffer(kPlaces * (block * (in_wide + out_chs) + matrix) + 2 * runner::kSlack);
  const Tensor zeros = at::zeros({std::max(in_chs, out_chs)}, at::kFloat);
  auto* sums = memory.mutable_data_ptr<float>();  // [place, out, in]
  float* transformed = sums + kPlaces * matrix;   // [place, panel of in, tile, in of a panel]
  float* gradients = transformed + kPlaces * block * in_wide;  // [place, tile, out]
  const WinogradLayout in_layout{
      .place_step = block * in_wide, .panel_step = block * columns, .panel = columns},
      out_layout{.place_step = block * out_chs, .panel = out_chs},
      sum_layout{.place_step = matrix, .panel = in_chs};
  const TilePixels inputs(maps_, x, in_chs, zeros.const_data_ptr()),
      outputs(maps_, dy, out_chs, zeros.const_data_ptr());
  for (int64_t begin = 0; begin < tiles(); begin += block) {
    const int64_t count = std::min(block, tiles() - begin);
    at::parallel_for(0, count, kGrainTiles, [&](int64_t first, int64_t last) {
      const void* from[kPlaces];
      for (int64_t t = first; t < last; ++t) {
        inputs.find(begin + t, kInputs, 1, from);
        level_.transforms.inputs(from, in_chs, maps_.bfloat16, transformed + t * columns,
                                 in_layout);
        outputs.find(begin + t, kOutputs, 0, from);
        level_.transforms.output_gradients(from, out_chs, maps_.bfloat16, gradients + t * out_chs,
                                           out_layout);
      }
    });
    at::parallel_for(0, kPlaces, 1, [&](int64_t first, int64_t last) {
      for (int64_t place = first; place < last; ++place)
        for (int64_t j = 0; j < panels; ++j)
          for (int64_t o = 0; o < out_chs; o += products.rows)
            products.tile(std::min(products.rows, out_chs - o),
                          std::min(columns, in_chs - j * columns), count,
                          Matrix{.data = gradients + place * block * out_chs + o,
                                 .row_stride = 1,
                                 .column_stride = out_chs},
                          transformed + (place * in_wide + j * columns) * block,
                          sums + place * matrix + o * in_chs + j * columns, in_chs,
                          /*add=*/begin > 0, /*finish=*/nullptr);
    });
  }
  at::parallel_for(0, out_chs, 1, [&](int64_t first, int64_t last) {
    for (int64_t o = first; o < last; ++o)
      level_.transforms.filter_gradients(sums + o * in_chs, sum_layout, in_chs,
                                         dfilters + o * kWinogradTaps * in_chs, in_chs);
  });
}

}  // namespace braid::ops
