// Whether a map says what the model depends on: measured, not looked at.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "braid/explain/explainable_graph.h"
#include "braid/explain/pixel_attribution.h"

namespace braid::explain {

// Petsiuk et al., https://arxiv.org/abs/1806.07421: the target's probability while the map's
// largest pixels are taken away (become 0, the data's mean colour) first, or put back into a
// blurred image; the area under it over the share of pixels, in `steps` equal parts. image:
// [1,C,H,W], map: [H,W].
struct PixelOrder {
  int64_t target = 0, steps = 32, batch = 16;
};
double deletion_area(const Classify& classify, const torch::Tensor& image, const torch::Tensor& map,
                     const PixelOrder& order);
double insertion_area(const Classify& classify, const torch::Tensor& image,
                      const torch::Tensor& map, const PixelOrder& order);

// Gaussian, of an eleventh of the image's shorter side or so.
torch::Tensor blurred(const torch::Tensor& image);

// [1,C,H,W] -> [H,W]
using MapOf = std::function<torch::Tensor(const torch::Tensor& image, int64_t target)>;

struct PointingGame {
  int64_t planted = 0, found = 0;
  double chance = 0;  // share of the image that a patch is
};
struct Planted {
  torch::Tensor image;  // [1,C,H,W]
  int64_t target = 0;   // the class that the patch makes
  int64_t top = 0, left = 0, height = 0, width = 0;
};
// Every image (its class beside it), at half its size, on another one that is blurred and faded:
// where the model then says the patch's class, with more probability than without the patch and
// more than `least`. draws: as many places per image.
std::vector<Planted> plant_patches(const Classify& classify,
                                   const std::vector<torch::Tensor>& images,
                                   const std::vector<int64_t>& targets, int64_t draws,
                                   uint64_t seed, double least = 0.2);
// How often the map's largest pixel lies on the patch.
PointingGame pointing_game(const MapOf& map_of, const std::vector<Planted>& planted);

// Adebayo et al., https://arxiv.org/abs/1810.03292: learned tensors are replaced by noise of the
// same mean and deviation, module by module from the last one down; each step keeps the noise of
// those before it. shares of the modules: rising, the last one 1. Returns a graph for each.
std::vector<ExplainableGraph> cascade(const ExplainableGraph& explained,
                                      const std::vector<double>& shares, uint64_t seed);

// Spearman's, ties share their mean rank; 0 where one of them is constant.
double rank_correlation(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace braid::explain
