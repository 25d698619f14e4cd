// The inner loops of 3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3), compiled once
// for each family of processors.
//
// Four by four outputs come of six by six inputs by 36 multiplications a channel instead of 144
// (Lavin and Gray, 2016, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308):
// y = At [(G g Gt) * (Bt x B)] A. Summed over channels, that is 36 products of matrices, one for
// each place of a transformed tile. The matrices are those of Toom's and Cook's algorithm for the
// interpolation points 0, 3/4, -3/4, 3/2, -3/2 and infinity, whose rounding errors are a third of
// those of the usual 0, 1, -1, 2, -2 and infinity.
#pragma once
#include <stdint.h>

namespace braid::ops {

inline constexpr int64_t kWinogradOutputs = 4, kWinogradInputs = 6;  // of a side of a tile
inline constexpr int64_t kWinogradPlaces = kWinogradInputs * kWinogradInputs;
inline constexpr int64_t kWinogradTaps = 9;

// Where the 36 transformed numbers of a tile's channels go, or come from: those of channel c and
// place p at c / panel * panel_step + c % panel + p * place_step.
struct WinogradLayout {
  int64_t place_step = 0, panel_step = 0, panel = 0;
};

// What follows the sums: + bias + other, then perhaps ReLU.
struct WinogradEnding {
  const float* bias = nullptr;          // of each channel, or none
  const void* const* others = nullptr;  // as the pixels they are added to, or none
  bool relu = false;
};

struct WinogradKernels {
  const char* name;
  // pixels: the addresses of a tile's pixels, in row-major order, `chans` numbers each.
  // Bt x B of the six by six pixels of x.
  void (*inputs)(const void* const* pixels, int64_t chans, bool bfloat16, float* to,
                 WinogradLayout layout);
  // At m A, and what follows, to the four by four pixels of y.
  void (*outputs)(const float* from, WinogradLayout layout, void* const* pixels, int64_t chans,
                  bool bfloat16, WinogradEnding ending);
  // A dy At of the four by four pixels of dy: what m's gradient is.
  void (*output_gradients)(const void* const* pixels, int64_t chans, bool bfloat16, float* to,
                           WinogradLayout layout);
  // G g Gt of the nine taps of one filter each of `chans` channels: tap t at from + t * tap_step.
  void (*filters)(const float* from, int64_t tap_step, int64_t chans, float* to,
                  WinogradLayout layout);
  // Gt u G, of which the nine taps' gradients consist.
  void (*filter_gradients)(const float* from, WinogradLayout layout, int64_t chans, float* to,
                           int64_t tap_step);
};

const WinogradKernels& baseline_winograd();
const WinogradKernels& avx2_winograd();
const WinogradKernels& avx512_winograd();
const WinogradKernels& avx512bf16_winograd();

}  // namespace braid::ops
