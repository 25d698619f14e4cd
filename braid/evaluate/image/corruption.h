// Images made worse on purpose, in known steps.
//
// The idea is Hendrycks & Dietterich's, "Benchmarking Neural Network Robustness to Common
// Corruptions and Perturbations" (2019), https://arxiv.org/abs/1903.12261; the corruptions and
// their steps are braid's own, stated in docs/compare.md, since theirs are made for 224 px
// photographs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/io/image.h"

namespace braid::evaluate {

constexpr int64_t kSeverities = 5;

// "noise", "blur", "occlusion", "shift", "rotation", "contrast"
const std::vector<std::string>& corruptions();

// severity: 1 (slight) to 5 (severe). Lengths are shares of the shorter side, so that severities
// mean the same at every image size. seed: of the noise, the place and the direction; the same seed
// gives the same image. Returns an image of the same size. Throws InternalError for an unknown name
// or severity.
io::Image corrupt(const io::Image& image, const std::string& name, int64_t severity, uint64_t seed);

// Cuts the image into grid x grid patches and permutes them: what is local stays, the layout goes.
// Rows and columns that the grid does not divide stay where they are, at the bottom and the right.
// grid 1 returns the image. Throws InternalError when the grid is finer than the pixels.
io::Image shuffle_patches(const io::Image& image, int64_t grid, uint64_t seed);

}  // namespace braid::evaluate
