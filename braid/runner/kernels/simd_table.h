// The table of one instruction set's kernels. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_filters.h"
#include "braid/runner/kernels/simd_integer_tiles.h"
#include "braid/runner/kernels/simd_moves.h"
#include "braid/runner/kernels/simd_rows.h"
#include "braid/runner/kernels/simd_tiles.h"
#include "braid/runner/kernels/simd_winograd.h"

namespace braid::runner::RUNNER_ISA {

// name: for people.
static Kernels make_table(const char* name) {
  return {.name = name,
          .rows = kRows,
          .columns = kColumns,
          .lanes = kLanes,
          .tile = tile,
          .integer_rows = kRows,
          .integer_columns = kColumns,
          .group = kGroup,
          .integer_tile = integer_tile,
          .finish = finish,
          .finish_integers = finish_integers,
          .apply = apply,
          .binary = binary,
          .softmax = softmax,
          .normalize = normalize,
          .sum = sum,
          .taps = taps,
          .filter_plane = filter_plane,
          .filter_channels = filter_channels,
          .transpose = transpose,
          .split_pairs = split_pairs,
          .winograd_filters = winograd_filters,
          .winograd_across = winograd_across,
          .winograd_down = winograd_down,
          .winograd_back = winograd_back,
          .gather = gather,
          .gather_bytes = gather_bytes,
          .quantize = quantize,
          .dequantize = dequantize};
}

}  // namespace braid::runner::RUNNER_ISA
