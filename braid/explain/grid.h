// Tokens and pixels of a feature map as cells of a grid over the image.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "braid/explain/origin.h"

namespace braid::explain {

inline constexpr double kLeastPresence = 0.2;  // what has less of a place has none

// Places of OriginKind::kPlace in pixels, flat.
struct Places {
  std::vector<double> y, x;
  std::vector<bool> known;  // false: a class token, padding
};
Places places_of(const Origin& origin);

// The rows and columns that places lie on.
struct Raster {
  std::vector<double> rows, columns;  // in pixels, ascending
  // The cell of a place, row by row.
  int64_t cell(double y, double x) const;
  int64_t height() const { return static_cast<int64_t>(rows.size()); }
  int64_t width() const { return static_cast<int64_t>(columns.size()); }
};
Raster raster_of(const Places& places);

// How the numbers of a value lie on the image: some dimensions are cells, the others channels.
struct Grid {
  Raster raster;
  std::vector<int64_t> spatial, channels;  // dimensions of the value
  std::vector<int64_t> token;              // of each cell, in the flattened spatial dimensions
};

// shape: of the value for one image. Nothing where the places are no full grid of at least 2 x 2
// cells.
std::optional<Grid> find_grid(const Origin& place, const std::vector<int64_t>& shape);

// The value of one image as [C,height,width].
torch::Tensor on_grid(const Grid& grid, const torch::Tensor& value);

}  // namespace braid::explain
