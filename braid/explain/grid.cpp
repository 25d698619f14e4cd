#include "braid/explain/grid.h"

#include <algorithm>
#include <cmath>

namespace braid::explain {
namespace {

constexpr double kSamePlace = 0.05;  // pixels

std::vector<double> distinct(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::vector<double> kept;
  for (const double number : numbers)
    if (kept.empty() || number - kept.back() > kSamePlace) kept.push_back(number);
  return kept;
}

int64_t nearest(const std::vector<double>& sorted, double number) {
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), number);
  if (it == sorted.begin()) return 0;
  const bool before = it == sorted.end() || number - *(it - 1) < *it - number;
  return it - sorted.begin() - (before ? 1 : 0);
}

}  // namespace

Places places_of(const Origin& origin) {
  const auto flat = origin.detach().to(torch::kCPU, torch::kFloat).reshape({3, -1}).contiguous();
  const auto a = flat.accessor<float, 2>();
  Places places;
  for (int64_t i = 0; i < flat.size(1); ++i) {
    const double presence = a[2][i];
    const bool known = presence > kLeastPresence;
    places.known.push_back(known);
    places.y.push_back(known ? a[0][i] / presence : 0);
    places.x.push_back(known ? a[1][i] / presence : 0);
  }
  return places;
}

int64_t Raster::cell(double y, double x) const {
  return nearest(rows, y) * width() + nearest(columns, x);
}

Raster raster_of(const Places& places) {
  std::vector<double> ys, xs;
  for (size_t i = 0; i < places.known.size(); ++i) {
    if (!places.known[i]) continue;
    ys.push_back(places.y[i]);
    xs.push_back(places.x[i]);
  }
  return {distinct(std::move(ys)), distinct(std::move(xs))};
}

std::optional<Grid> find_grid(const Origin& place, const std::vector<int64_t>& shape) {
  if (!place.defined() || place.dim() != static_cast<int64_t>(shape.size()) + 1)
    return std::nullopt;
  Grid grid;
  for (size_t d = 0; d < shape.size(); ++d)
    (place.size(static_cast<int64_t>(d) + 1) > 1 ? grid.spatial : grid.channels)
        .push_back(static_cast<int64_t>(d));
  const auto places = places_of(place);
  const auto known = std::count(places.known.begin(), places.known.end(), true);
  if (known < 4) return std::nullopt;
  grid.raster = raster_of(places);
  if (grid.raster.height() < 2 || grid.raster.width() < 2 ||
      grid.raster.height() * grid.raster.width() != known)
    return std::nullopt;
  grid.token.assign(static_cast<size_t>(known), -1);
  for (size_t i = 0; i < places.known.size(); ++i) {
    if (!places.known[i]) continue;
    auto& token = grid.token[static_cast<size_t>(grid.raster.cell(places.y[i], places.x[i]))];
    if (token >= 0) return std::nullopt;
    token = static_cast<int64_t>(i);
  }
  return grid;
}

torch::Tensor on_grid(const Grid& grid, const torch::Tensor& value) {
  auto order = grid.channels;
  order.insert(order.end(), grid.spatial.begin(), grid.spatial.end());
  int64_t tokens = 1;
  for (const int64_t dim : grid.spatial) tokens *= value.size(dim);
  const auto flat = value.permute(order).reshape({-1, tokens});
  const auto index = torch::tensor(grid.token, torch::kLong).to(value.device());
  return flat.index_select(1, index).reshape({-1, grid.raster.height(), grid.raster.width()});
}

}  // namespace braid::explain
