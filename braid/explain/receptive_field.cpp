#include "braid/explain/receptive_field.h"

#include <algorithm>
#include <cmath>

#include "braid/graph/replay.h"

namespace braid::explain {
namespace {

using torch::Tensor;

// [H,W] of one image.
Tensor gradient_of_cell(const ExplainableGraph& explained, const Layer& layer, const Tensor& image,
                        int64_t row, int64_t column) {
  const torch::AutoGradMode with_grad(true);
  const auto x = image.detach().clone().requires_grad_(true);
  Tensor cell;
  graph::replay(explained.graph, {x}, [&](graph::ValueId id, Tensor& value) {
    if (id == layer.value) cell = on_grid(layer.grid, value).select(1, row).select(1, column).sum();
  });
  const auto gradient = torch::autograd::grad({cell}, {x}, {}, false, false, true)[0];
  return gradient.defined() ? gradient[0].abs().sum(0).cpu() : torch::zeros(x.sizes().slice(2));
}

double side_of(const Tensor& map, double y, double x, double share) {
  const int64_t height = map.size(0), width = map.size(1), longer = std::max(height, width);
  const double total = map.sum().item<double>();
  const auto inside = [&](int64_t size, double middle, double half) {
    return std::pair(std::max<int64_t>(0, std::llround(middle - half)),
                     std::min<int64_t>(size, std::llround(middle + half)));
  };
  for (int64_t side = 1; side < 2 * longer; ++side) {
    const double half = static_cast<double>(side) / 2;
    const auto [top, bottom] = inside(height, y, half);
    const auto [left, right] = inside(width, x, half);
    const double held = map.slice(0, top, bottom).slice(1, left, right).sum().item<double>();
    if (held >= share * total)
      return std::min(1.0, static_cast<double>(side) / static_cast<double>(longer));
  }
  return 1;
}

}  // namespace

ReceptiveField receptive_field(const ExplainableGraph& explained, const Layer& layer,
                               const Tensor& images) {
  const auto& raster = layer.grid.raster;
  const int64_t row = raster.height() / 2, column = raster.width() / 2;
  ReceptiveField field;
  field.y = raster.rows[static_cast<size_t>(row)];
  field.x = raster.columns[static_cast<size_t>(column)];
  field.map = torch::zeros({explained.height, explained.width});
  for (int64_t i = 0; i < images.size(0); ++i)
    field.map += gradient_of_cell(explained, layer, images.slice(0, i, i + 1), row, column);
  field.map /= static_cast<double>(std::max<int64_t>(1, images.size(0)));
  field.side_50 = side_of(field.map, field.y, field.x, 0.5);
  field.side_99 = side_of(field.map, field.y, field.x, 0.99);
  return field;
}

}  // namespace braid::explain
