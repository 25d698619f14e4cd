// The inner loops of max pooling by two, compiled once for each family of processors.
#pragma once
#include <stdint.h>

namespace braid::ops {

// Outputs beside each other: each is the largest of two numbers of an upper and two of a lower row,
// whose pixels lie one after another.
struct PooledRow {
  int64_t pixels = 0, chans = 0;
  bool bfloat16 = false;  // the numbers, else float32
};

struct MaxPoolKernels {
  const char* name;
  // winners: of each output the number's place in its window, 0 to 3 in row-major order. The first
  // of several largest wins, but the last of those that are no numbers, as LibTorch has it.
  void (*forward)(const void* upper, const void* lower, void* y, uint8_t* winners, PooledRow row);
  // Each output's dy goes to its winner, zero to the others.
  void (*backward)(const void* dy, const uint8_t* winners, void* upper, void* lower, PooledRow row);
};

const MaxPoolKernels& baseline_max_pool2d();
const MaxPoolKernels& avx2_max_pool2d();
const MaxPoolKernels& avx512_max_pool2d();

}  // namespace braid::ops
