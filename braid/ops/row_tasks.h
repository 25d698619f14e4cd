// Rows of numbers shared out to threads, and sums over all of them.
#pragma once
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace braid::ops {

// work(first row, rows, sums): blocks of rows that stay near the processor; sums: `sums` float32
// numbers that `work` writes over for each block. Gives their totals, the same for a number of
// threads.
template <class Work>
std::vector<double> over_row_blocks(int64_t rows, int64_t width, int64_t sums, const Work& work) {
  constexpr int64_t kBlockNumbers = 8192;  // small beside the second-level cache
  constexpr int64_t kTaskNumbers = 16384;  // not worth a thread below
  const int64_t block = std::max<int64_t>(16, kBlockNumbers / width);
  const int64_t blocks = (rows + block - 1) / block;
  const int64_t tasks = std::min({blocks, std::max<int64_t>(1, rows * width / kTaskNumbers),
                                  static_cast<int64_t>(at::get_num_threads())});
  const auto count = static_cast<size_t>(sums);
  std::vector<std::vector<double>> totals(static_cast<size_t>(tasks));
  at::parallel_for(0, tasks, 1, [&](int64_t first_task, int64_t last_task) {
    std::vector<float> of_block(count);
    for (int64_t task = first_task; task < last_task; ++task) {
      std::vector<double> total(count);
      for (int64_t i = blocks * task / tasks; i < blocks * (task + 1) / tasks; ++i) {
        const int64_t first = i * block;
        work(first, std::min(block, rows - first), of_block.data());
        for (size_t j = 0; j < count; ++j) total[j] += of_block[j];
      }
      totals[static_cast<size_t>(task)] = std::move(total);
    }
  });
  for (size_t task = 1; task < totals.size(); ++task)
    for (size_t j = 0; j < count; ++j) totals[0][j] += totals[task][j];
  return std::move(totals[0]);
}

// `count` of the totals from `first` on, in float32.
inline at::Tensor totals_of(const std::vector<double>& totals, int64_t first, int64_t count) {
  at::Tensor rounded = at::empty({count}, at::kFloat);
  float* to = rounded.mutable_data_ptr<float>();
  for (int64_t j = 0; j < count; ++j)
    to[j] = static_cast<float>(totals[static_cast<size_t>(first + j)]);
  return rounded;
}

}  // namespace braid::ops
