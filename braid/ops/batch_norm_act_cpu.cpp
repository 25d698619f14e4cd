#include "braid/ops/batch_norm_act_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "braid/ops/kernel_levels.h"
#include "braid/ops/numbers.h"

namespace braid::ops {
namespace {

constexpr int64_t kLeastWidth = 64;  // numbers, for the latency of a sum that is stored and read
constexpr int64_t kAligned = 16;     // numbers of the longest vector
constexpr int64_t kBlockNumbers = 8192;  // small beside the second-level cache
constexpr int64_t kLeastBlockRows = 16;  // what is done once for a block shall not count
constexpr int64_t kTaskNumbers = 32768;  // not worth a thread below

constexpr KernelLevel<BatchNormActKernels> kBatchNormActLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512bf16_batch_norm_act},
    {"avx512", avx512_batch_norm_act},
    {"avx2", avx2_batch_norm_act},
#endif
    {"baseline", baseline_batch_norm_act}};

int64_t pixels_in_a_row(int64_t chans) {
  int64_t copies = (kLeastWidth + chans - 1) / chans;
  if (copies > 1)
    while (copies * chans % kAligned != 0) ++copies;
  return copies;
}

template <class T>
T* moved(T* first, int64_t numbers, bool bfloat16) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return static_cast<Byte*>(first) + numbers * bytes_of(bfloat16);
}

// Sums of a row of a block: of its pixels.
double of_channel(const std::vector<float>& sums, int64_t channel, int64_t chans, int64_t copies) {
  double sum = 0;
  for (int64_t i = 0; i < copies; ++i) sum += sums[static_cast<size_t>(i * chans + channel)];
  return sum;
}

// Mean and sum of squared deviations of `count` pixels, which grows by others' (Chan et al.).
struct Part {
  explicit Part(int64_t chans) : mean(static_cast<size_t>(chans)), deviations(mean) {}
  void add(size_t channel, double share, double added, double its_mean, double its_deviations) {
    const double delta = its_mean - mean[channel];
    mean[channel] += delta * share;
    deviations[channel] += its_deviations + delta * delta * (1 - share) * added;
  }

  double count = 0;
  std::vector<double> mean, deviations;
};

}  // namespace

std::vector<const BatchNormActKernels*> usable_batch_norm_act_kernels() {
  return usable_kernels(kBatchNormActLevels);
}

const BatchNormActKernels& batch_norm_act_kernels() {
  static const BatchNormActKernels& chosen = *kernels_of(kBatchNormActLevels, chosen_level());
  return chosen;
}

BatchNormActPasses::BatchNormActPasses(const BatchNormActKernels& kernels, Pixels pixels)
    : kernels_(kernels), pixels_(pixels), copies_(pixels_in_a_row(pixels.chans)) {
  const int64_t width = copies_ * pixels_.chans;
  block_rows_ = copies_ * std::max(kLeastBlockRows, kBlockNumbers / width);
  blocks_ = (pixels_.rows + block_rows_ - 1) / block_rows_;
  const int64_t worth = std::max<int64_t>(1, pixels_.rows * pixels_.chans / kTaskNumbers);
  tasks_ = std::min({blocks_, worth, static_cast<int64_t>(at::get_num_threads())});
}

// work(first number, block, pixels in a row): the blocks of one task. A later pass goes backwards:
// what the pass before it read last is still in the cache.
template <class Work>
void BatchNormActPasses::over_blocks(int64_t task, bool backwards, Work work) const {
  const int64_t begin = blocks_ * task / tasks_, end = blocks_ * (task + 1) / tasks_;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t first = (backwards ? end - 1 - (i - begin) : i) * block_rows_;
    const int64_t count = std::min(block_rows_, pixels_.rows - first);
    const int64_t rows = count / copies_, left = count % copies_, chans = pixels_.chans;
    if (rows > 0) work(first * chans, Block{rows, copies_ * chans, pixels_.bfloat16}, copies_);
    if (left > 0)
      work((first + rows * copies_) * chans, Block{left, chans, pixels_.bfloat16}, int64_t{1});
  }
}

std::vector<float> BatchNormActPasses::repeated(const float* of_channels) const {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(copies_ * pixels_.chans));
  for (int64_t i = 0; i < copies_; ++i)
    values.insert(values.end(), of_channels, of_channels + pixels_.chans);
  return values;
}

Moments BatchNormActPasses::moments(const void* x) const {
  const int64_t chans = pixels_.chans;
  std::vector<Part> parts(static_cast<size_t>(tasks_), Part(chans));
  at::parallel_for(0, tasks_, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      Part& part = parts[static_cast<size_t>(task)];
      std::vector<float> center(static_cast<size_t>(copies_ * chans)), sums(center),
          squares(center);
      // Sums are of deviations from the mean so far, which lose nothing where a channel's mean is
      // far from zero.
      const auto center_at_mean = [&] {
        for (size_t i = 0; i < center.size(); ++i)
          center[i] = static_cast<float>(part.mean[i % static_cast<size_t>(chans)]);
      };
      over_blocks(task, /*backwards=*/false, [&](int64_t start, Block block, int64_t copies) {
        const auto count = static_cast<double>(block.rows * copies);
        const void* numbers = moved(x, start, pixels_.bfloat16);
        const auto run = [&] {
          kernels_.moments(numbers, block, center.data(), sums.data(), squares.data());
        };
        if (part.count == 0) {  // whose mean nothing tells yet
          run();
          for (int64_t c = 0; c < chans; ++c)
            part.mean[static_cast<size_t>(c)] = of_channel(sums, c, chans, copies) / count;
        }
        center_at_mean();
        run();
        const double share = count / (part.count + count);
        for (int64_t c = 0; c < chans; ++c) {
          const auto i = static_cast<size_t>(c);
          const double sum = of_channel(sums, c, chans, copies);
          const double square = of_channel(squares, c, chans, copies);
          part.add(i, share, count, center[i] + sum / count, square - sum * sum / count);
        }
        part.count += count;
      });
    }
  });
  Part all(chans);
  for (const Part& part : parts) {
    const double share = part.count / (all.count + part.count);
    for (size_t i = 0; i < part.mean.size(); ++i)
      all.add(i, share, part.count, part.mean[i], part.deviations[i]);
    all.count += part.count;
  }
  for (double& variance : all.deviations) variance = std::max(variance / all.count, 0.0);
  return {std::move(all.mean), std::move(all.deviations)};
}

void BatchNormActPasses::apply(const void* x, void* y, Affine affine, Activation activation) const {
  const auto mean = repeated(affine.mean), scale = repeated(affine.scale),
             bias = repeated(affine.bias);
  at::parallel_for(0, tasks_, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task)
      over_blocks(task, /*backwards=*/true, [&](int64_t start, Block block, int64_t) {
        kernels_.apply(moved(x, start, pixels_.bfloat16), moved(y, start, pixels_.bfloat16), block,
                       {mean.data(), scale.data(), bias.data()}, activation);
      });
  });
}

void BatchNormActPasses::reduce(const void* dy, const void* x, Affine affine, Activation activation,
                                double* sums, double* products) const {
  const int64_t chans = pixels_.chans;
  const auto mean = repeated(affine.mean), scale = repeated(affine.scale),
             bias = repeated(affine.bias);
  // Of each task: sums, then products.
  std::vector<std::vector<double>> totals(static_cast<size_t>(tasks_),
                                          std::vector<double>(static_cast<size_t>(2 * chans)));
  at::parallel_for(0, tasks_, 1, [&](int64_t first, int64_t last) {
    std::vector<float> sum(mean.size()), product(mean.size());
    for (int64_t task = first; task < last; ++task) {
      auto& total = totals[static_cast<size_t>(task)];
      over_blocks(task, /*backwards=*/false, [&](int64_t start, Block block, int64_t copies) {
        kernels_.reduce(moved(dy, start, pixels_.bfloat16), moved(x, start, pixels_.bfloat16),
                        block, {mean.data(), scale.data(), bias.data()}, activation, sum.data(),
                        product.data());
        for (int64_t c = 0; c < chans; ++c) {
          total[static_cast<size_t>(c)] += of_channel(sum, c, chans, copies);
          total[static_cast<size_t>(chans + c)] += of_channel(product, c, chans, copies);
        }
      });
    }
  });
  std::fill(sums, sums + chans, 0.0);
  std::fill(products, products + chans, 0.0);
  for (const auto& total : totals)
    for (int64_t c = 0; c < chans; ++c) {
      sums[c] += total[static_cast<size_t>(c)];
      products[c] += total[static_cast<size_t>(chans + c)];
    }
}

void BatchNormActPasses::gradient(const void* dy, const void* x, void* dx, Affine affine,
                                  Activation activation, const float* slope,
                                  const float* offset) const {
  const auto mean = repeated(affine.mean), scale = repeated(affine.scale),
             bias = repeated(affine.bias), by = repeated(slope), plus = repeated(offset);
  at::parallel_for(0, tasks_, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task)
      over_blocks(task, /*backwards=*/true, [&](int64_t start, Block block, int64_t) {
        kernels_.gradient(moved(dy, start, pixels_.bfloat16), moved(x, start, pixels_.bfloat16),
                          moved(dx, start, pixels_.bfloat16), block,
                          {mean.data(), scale.data(), bias.data()}, activation, by.data(),
                          plus.data());
      });
  });
}

}  // namespace braid::ops
