#include "braid/ops/max_pool2d_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "braid/ops/kernel_levels.h"
#include "braid/ops/numbers.h"

namespace braid::ops {
namespace {

constexpr int64_t kPooledTaskNumbers = 32768;  // not worth a thread below

constexpr KernelLevel<MaxPoolKernels> kMaxPoolLevels[] = {
#if defined(__x86_64__)
    {"avx512bf16", avx512_max_pool2d},
    {"avx512", avx512_max_pool2d},
    {"avx2", avx2_max_pool2d},
#endif
    {"baseline", baseline_max_pool2d}};

}  // namespace

std::vector<const MaxPoolKernels*> usable_max_pool2d_kernels() {
  return usable_kernels(kMaxPoolLevels);
}

const MaxPoolKernels& max_pool2d_kernels() {
  static const MaxPoolKernels& chosen = *kernels_of(kMaxPoolLevels, chosen_level());
  return chosen;
}

// work(output row, its number of the first channel; the upper row's), the latter in numbers of x.
template <class Work>
void MaxPoolPasses::over_rows(Work work) const {
  const int64_t height = maps_.height / 2, in_a_row = maps_.width * maps_.chans;
  const int64_t outputs_in_a_row = maps_.width / 2 * maps_.chans;
  const int64_t grain = std::max<int64_t>(1, kPooledTaskNumbers / (2 * in_a_row));
  at::parallel_for(0, maps_.images * height, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / height, row = i % height;
      work(row, i * outputs_in_a_row, (image * maps_.height + 2 * row) * in_a_row);
    }
  });
}

void MaxPoolPasses::forward(const void* x, void* y, uint8_t* winners) const {
  const int64_t bytes = bytes_of(maps_.bfloat16), in_a_row = maps_.width * maps_.chans;
  const PooledRow pooled{maps_.width / 2, maps_.chans, maps_.bfloat16};
  over_rows([&](int64_t, int64_t output, int64_t input) {
    const char* upper = static_cast<const char*>(x) + input * bytes;
    kernels_.forward(upper, upper + in_a_row * bytes, static_cast<char*>(y) + output * bytes,
                     winners + output, pooled);
  });
}

void MaxPoolPasses::backward(const void* dy, const uint8_t* winners, void* dx) const {
  const int64_t bytes = bytes_of(maps_.bfloat16), row_bytes = maps_.width * maps_.chans * bytes;
  const PooledRow pooled{maps_.width / 2, maps_.chans, maps_.bfloat16};
  const int64_t left_out = maps_.width % 2 * maps_.chans * bytes;  // at the end of a row
  over_rows([&](int64_t row, int64_t output, int64_t input) {
    char* upper = static_cast<char*>(dx) + input * bytes;
    char* lower = upper + row_bytes;
    kernels_.backward(static_cast<const char*>(dy) + output * bytes, winners + output, upper, lower,
                      pooled);
    if (left_out > 0) {
      std::memset(lower - left_out, 0, static_cast<size_t>(left_out));
      std::memset(lower + row_bytes - left_out, 0, static_cast<size_t>(left_out));
    }
    if (maps_.height % 2 == 1 && row == maps_.height / 2 - 1)
      std::memset(lower + row_bytes, 0, static_cast<size_t>(row_bytes));
  });
}

}  // namespace braid::ops
