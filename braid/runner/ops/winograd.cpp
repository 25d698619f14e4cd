#include "braid/runner/ops/winograd.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace braid::runner {
namespace {

constexpr int64_t kPoints = 36, kTile = 4;
constexpr auto kLine = static_cast<int64_t>(kAlignment / sizeof(float));  // numbers

// Of a thread: the pixels at their points and the products of some rows stay in the second cache.
constexpr int64_t kInputBytes = 384 << 10, kProductBytes = 256 << 10;

int64_t parts_of(int64_t total, int64_t size) { return (total + size - 1) / size; }

// Tiles of one image that lie one after the other.
struct TilePiece {
  int64_t image;
  int64_t row, rows;        // of tiles, which are brought to the points across
  int64_t column, columns;  // likewise
  int64_t skipped, n;       // of those tiles: how many come before the piece's, and the piece's
  int64_t to;               // the first one's place in its group
};

// The sizes and places of a convolution.
struct TilePlan {
  TilePlan(const Kernels& kernels, const WinogradCall& call, int64_t M, int64_t C, int threads)
      : call(call),
        M(M),
        C(C),
        rows(kernels.rows),
        columns(kernels.columns),
        tile_rows(parts_of(call.output.height, kTile)),
        tile_columns(parts_of(call.output.width, kTile)),
        per_image(tile_rows * tile_columns),
        tiles(call.images * per_image),
        panels(parts_of(tiles, columns)),
        row_panels(parts_of(M, rows)) {
    sharing = sharing_of(threads);
    const auto bytes_per_panel = kPoints * columns * static_cast<int64_t>(sizeof(float));
    const bool by_tiles = sharing == Sharing::kTiles;
    group = std::clamp<int64_t>(kInputBytes / (bytes_per_panel * C), 1,
                                by_tiles ? parts_of(panels, threads) : panels);
    chunk = std::clamp<int64_t>(kProductBytes / (bytes_per_panel * group * rows), 1,
                                by_tiles ? row_panels : parts_of(row_panels, threads));
    width = group * columns;
    // Numbers between the points: powers of two would share their place in the first cache.
    input_step = width * C + 2 * kLine;
    product_step = width * chunk * rows + kLine;
    whole_rows = tile_columns <= width;
    const int64_t most_rows =
        whole_rows ? std::min(tile_rows, parts_of(width, tile_columns) + 1) : 1;
    const int64_t most_columns = whole_rows ? tile_columns : width;
    line = kTile * most_columns + kTile;
    lines_size = line * (kTile * most_rows + 2) + 2 * kSlack;
    across_step = (most_rows + 1) * most_columns + kSlack;
  }

  // The tiles [first, first + n), in pieces.
  template <class F>
  void for_pieces(int64_t first, int64_t n, const F& f) const {
    for (int64_t done = 0; done < n;) {
      const int64_t tile = (first + done) % per_image;
      const int64_t row = tile / tile_columns, column = tile % tile_columns;
      TilePiece piece{.image = (first + done) / per_image,
                      .row = row,
                      .rows = 1,
                      .column = 0,
                      .columns = tile_columns,
                      .skipped = column,
                      .n = 0,
                      .to = done};
      if (whole_rows) {
        piece.n = std::min(n - done, per_image - tile);
        piece.rows = parts_of(column + piece.n, tile_columns);
      } else {
        piece.n = piece.columns = std::min(n - done, tile_columns - column);
        piece.column = column;
        piece.skipped = 0;
      }
      f(piece);
      done += piece.n;
    }
  }

  // What threads divide.
  enum class Sharing {
    kTiles,           // each has its own
    kRows,            // likewise, and brings all tiles to the points for itself
    kPointsThenRows,  // the tiles at the points are computed together first
  };
  // Output planes whose parts would be shorter than a page are not divided: see takes_own_rows() in
  // product.cpp.
  Sharing sharing_of(int64_t threads) const {
    constexpr int64_t kPage = 1024;  // numbers
    if (threads == 1) return Sharing::kTiles;
    const bool has_long_parts = call.images >= threads || call.output.size() >= kPage * threads;
    if (panels >= 3 * threads && has_long_parts) return Sharing::kTiles;
    // A channel takes as long to the points as 12 more outputs would (see pays()).
    const int64_t most_rows = std::min(M, parts_of(row_panels, threads) * rows);
    const int64_t apart = 12 + most_rows + 10 * most_rows / C;
    const int64_t together = 12 + M + 10 * M / C;
    return 3 * apart * threads <= 5 * together ? Sharing::kRows
           : panels >= 3 * threads             ? Sharing::kTiles
                                               : Sharing::kPointsThenRows;
  }

  const WinogradCall& call;
  int64_t M, C, rows, columns;  // rows, columns: of the kernels' tiles
  int64_t tile_rows, tile_columns, per_image, tiles, panels, row_panels;
  Sharing sharing;
  int64_t group;                     // panels of tiles whose points are computed at once
  int64_t chunk;                     // panels of rows
  int64_t width;                     // tiles of a group
  int64_t input_step, product_step;  // from point to point
  bool whole_rows;                   // of tiles, in pieces
  int64_t line, lines_size, across_step;
};

// Numbers of a thread's scratch.
struct TileScratch {
  explicit TileScratch(const TilePlan& plan, float* at = nullptr) {
    const auto take = [&](int64_t numbers) {
      float* mine = at == nullptr ? nullptr : at + size;
      size += parts_of(numbers, kLine) * kLine;
      return mine;
    };
    lines = take(plan.lines_size);
    across = take(4 * 6 * plan.across_step + kSlack);
    products = take(kPoints * plan.product_step);
    pixels = take(kTile * kTile * plan.rows * plan.width + 4 * kSlack);
    inputs = plan.sharing == TilePlan::Sharing::kPointsThenRows ? nullptr
                                                                : take(kPoints * plan.input_step);
  }
  float *lines, *across, *products, *pixels, *inputs;
  int64_t size = 0;
};

class TileWorker {
 public:
  TileWorker(const Kernels& kernels, const TilePlan& plan, const float* weights, float* scratch)
      : kernels_(kernels), plan_(plan), call_(plan.call), weights_(weights), s_(plan, scratch) {}

  float* own_inputs() const { return s_.inputs; }

  // Channels [begin, end) of the tiles [first, first + n) at the points. inputs: [36, panels of the
  // group, C, columns].
  void transform(int64_t first, int64_t n, int64_t begin, int64_t end, float* inputs) const {
    plan_.for_pieces(first, n, [&](const TilePiece& piece) {
      std::fill_n(s_.lines, plan_.lines_size, 0.0f);  // the padding stays
      for (int64_t c = begin; c < end; ++c) {
        place(piece, c);
        kernels_.winograd_across(s_.lines, plan_.line, kTile * piece.rows + 2, piece.columns,
                                 s_.across, plan_.across_step);
        down(piece, inputs + c * plan_.columns);
      }
    });
  }

  // Panels of rows [begin, end). Whether all sums are finite.
  bool outputs(int64_t first, int64_t n, int64_t begin, int64_t end, const float* inputs) const {
    // What is behind the last tile is read too, and is to be finite.
    if (n % plan_.columns != 0) std::fill_n(s_.products, kPoints * plan_.product_step, 0.0f);
    bool finite = true;
    for (int64_t i = begin; i < end; i += plan_.chunk)
      finite = chunk_of_outputs(first, n, i, std::min(end, i + plan_.chunk), inputs) && finite;
    return finite;
  }

 private:
  bool chunk_of_outputs(int64_t first, int64_t n, int64_t begin, int64_t end,
                        const float* inputs) const {
    for (int64_t point = 0; point < kPoints; ++point)
      for (int64_t i = begin; i < end; ++i) {
        const Matrix left{.data = weights_ + (i * kPoints + point) * plan_.C * plan_.rows,
                          .row_stride = 1,
                          .column_stride = plan_.rows,
                          .is_panel = true};
        for (int64_t at = 0; at < n; at += plan_.columns)
          kernels_.tile(used_rows(i), std::min(plan_.columns, n - at), plan_.C, left,
                        inputs + point * plan_.input_step + at * plan_.C,
                        s_.products + point * plan_.product_step +
                            (i - begin) * plan_.rows * plan_.width + at,
                        plan_.width, false, nullptr);
      }
    float check = 0;
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t r = 0; r < used_rows(i); ++r)
        check += kernels_.winograd_back(s_.products + ((i - begin) * plan_.rows + r) * plan_.width,
                                        plan_.product_step, n, pixels_of(r), kTile * plan_.width);
      finish(first, n, i);
    }
    return check == 0;
  }

  int64_t used_rows(int64_t panel) const {
    return std::min(plan_.rows, plan_.M - panel * plan_.rows);
  }
  float* pixels_of(int64_t row) const { return s_.pixels + row * kTile * kTile * plan_.width; }

  // A channel's pixels, into their lines.
  void place(const TilePiece& piece, int64_t channel) const {
    const Plane& input = call_.input;
    const int64_t row = kTile * piece.row - call_.begin[0];
    const int64_t column = kTile * piece.column - call_.begin[1];
    const int64_t left = std::max<int64_t>(0, -column);
    const int64_t right = std::min(kTile * piece.columns + 2, input.width - column);
    if (left >= right) return;
    const float* from =
        call_.x + (piece.image * call_.x_channels + channel) * input.size() + column + left;
    const int64_t below = std::min(kTile * piece.rows + 2, input.height - row);
    for (int64_t y = std::max<int64_t>(0, -row); y < below; ++y)
      std::memcpy(s_.lines + y * plan_.line + left, from + (row + y) * input.width,
                  static_cast<size_t>(right - left) * sizeof(float));
  }

  void down(const TilePiece& piece, float* inputs) const {
    for (int64_t done = 0; done < piece.n;) {
      const int64_t at = piece.to + done, place = at % plan_.columns;
      const int64_t n = std::min(piece.n - done, plan_.columns - place);
      kernels_.winograd_down(s_.across + piece.skipped + done, plan_.across_step, piece.columns, n,
                             plan_.columns - place, inputs + (at - place) * plan_.C + place,
                             plan_.input_step);
      done += n;
    }
  }

  // Of a panel of rows: what follows the sums, row by row of tiles.
  void finish(int64_t first, int64_t n, int64_t panel) const {
    const Plane& output = call_.output;
    for (int64_t done = 0; done < n;) {
      const int64_t tile = (first + done) % plan_.per_image;
      const int64_t image = (first + done) / plan_.per_image;
      const int64_t row = tile / plan_.tile_columns, column = tile % plan_.tile_columns;
      const int64_t some = std::min(n - done, plan_.tile_columns - column);
      const int64_t height = std::min(kTile, output.height - kTile * row);
      const int64_t length = std::min(kTile * some, output.width - kTile * column);
      for (int64_t r = 0; r < used_rows(panel); ++r) {
        const int64_t channel = panel * plan_.rows + r;
        const int64_t at = (image * call_.y_channels + channel) * output.size() +
                           kTile * row * output.width + kTile * column;
        kernels_.finish(pixels_of(r) + kTile * done, kTile * plan_.width, call_.y + at,
                        output.width, height, length,
                        {.bias = call_.bias == nullptr ? 0 : call_.bias[channel],
                         .residual = call_.residual == nullptr ? nullptr : call_.residual + at,
                         .activation = call_.activation});
      }
      done += some;
    }
  }

  const Kernels& kernels_;
  const TilePlan& plan_;
  const WinogradCall& call_;
  const float* weights_;
  TileScratch s_;
};

}  // namespace

bool WinogradWeights::fits(const Window& window) {
  for (int d = 0; d < 2; ++d)
    if (window.kernel[d] != 3 || window.stride[d] != 1 || window.dilation[d] != 1) return false;
  return !window.one_dimensional;
}

// Both ways in vectors of multiplications, fitted to measurements of 4 to 512 channels and maps of
// 4x4 to 56x56 pixels with each set of kernels (an AMD EPYC): a channel takes as long to the points
// as 12 more outputs would, and an output back as 10 more channels, and so does gathering windows.
// Weights that no cache holds take as long to come as a vector of tiles to be multiplied with them.
bool WinogradWeights::pays(const Kernels& kernels, const Plane& output, int64_t M, int64_t C) {
  const int64_t tiles = parts_of(output.height, kTile) * parts_of(output.width, kTile);
  const auto m = static_cast<double>(M), c = static_cast<double>(C);
  const double vectors_of_tiles = static_cast<double>(parts_of(tiles, kernels.lanes));
  const double vectors_of_pixels =
      static_cast<double>(output.size()) / static_cast<double>(kernels.lanes);
  constexpr double kMostCachedWeights = 4 << 20;
  const double coming = kPoints * m * c > kMostCachedWeights ? m * c : 0;
  const double here = kPoints * (vectors_of_tiles * (m * c + 12 * c + 10 * m) + coming);
  const double by_windows = 9 * vectors_of_pixels * (m * c + 10 * c);
  return 1.1 * here < by_windows;
}

std::unique_ptr<WinogradWeights> WinogradWeights::make(const RunContext& context,
                                                       const float* weights, int64_t M, int64_t C) {
  std::unique_ptr<WinogradWeights> made(new WinogradWeights(M, C));
  const int64_t rows = context.kernels.rows, panels = parts_of(M, rows);
  made->packed_ =
      context.pool.allocate(static_cast<uint64_t>(panels * rows * C * kPoints) * sizeof(float));
  auto* out = reinterpret_cast<float*>(made->packed_.get());
  constexpr int64_t kAtOnce = 32;  // channels, which stay in the first cache
  const int64_t bytes = kAtOnce * 9 * rows * static_cast<int64_t>(sizeof(float));
  const auto scratch = context.scratch(bytes);
  std::atomic<bool> all_finite = true;
  context.threads.split(panels, 1, [&](int64_t begin, int64_t end, int thread) {
    auto* filters = scratch.floats_of(thread);
    float check = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t used = std::min(rows, M - i * rows);
      if (used < rows) std::fill_n(filters, kAtOnce * 9 * rows, 0.0f);
      for (int64_t c = 0; c < C; c += kAtOnce) {
        const int64_t n = std::min(kAtOnce, C - c);
        context.kernels.transpose(weights + (i * rows * C + c) * 9, C * 9, used, n * 9, filters,
                                  rows);
        check += context.kernels.winograd_filters(filters, n, out + (i * kPoints * C + c) * rows,
                                                  C * rows);
      }
    }
    if (check != 0) all_finite = false;
  });
  return all_finite ? std::move(made) : nullptr;
}

bool WinogradWeights::convolve(const RunContext& context, const WinogradCall& call) const {
  // A thread has some work, or waking it costs more than it does.
  constexpr double kLeast = 100'000;
  const double multiplications = static_cast<double>(kPoints * M_ * C_) *
                                 static_cast<double>(call.images * call.output.size()) /
                                 (kTile * kTile);
  const int threads = multiplications < 2 * kLeast ? 1 : context.threads.size();
  const TilePlan plan(context.kernels, call, M_, C_, threads);
  const auto scratch =
      context.scratch(TileScratch(plan).size * static_cast<int64_t>(sizeof(float)));
  const auto* weights = reinterpret_cast<const float*>(packed_.get());
  std::atomic<bool> all_finite = true;
  const auto worker_of = [&](int thread) {
    return TileWorker(context.kernels, plan, weights, scratch.floats_of(thread));
  };
  if (plan.sharing == TilePlan::Sharing::kTiles) {
    const int64_t grain = threads == 1 ? plan.panels : 1;
    context.threads.split(plan.panels, grain, [&](int64_t begin, int64_t end, int thread) {
      const TileWorker worker = worker_of(thread);
      const int64_t last = std::min(plan.tiles, end * plan.columns);
      for (int64_t first = begin * plan.columns; first < last; first += plan.width) {
        const int64_t n = std::min(plan.width, last - first);
        worker.transform(first, n, 0, C_, worker.own_inputs());
        if (!worker.outputs(first, n, 0, plan.row_panels, worker.own_inputs())) all_finite = false;
      }
    });
    return all_finite;
  }
  if (plan.sharing == TilePlan::Sharing::kRows) {
    context.threads.split(plan.row_panels, 1, [&](int64_t begin, int64_t end, int thread) {
      const TileWorker worker = worker_of(thread);
      for (int64_t first = 0; first < plan.tiles; first += plan.width) {
        const int64_t n = std::min(plan.width, plan.tiles - first);
        worker.transform(first, n, 0, C_, worker.own_inputs());
        if (!worker.outputs(first, n, begin, end, worker.own_inputs())) all_finite = false;
      }
    });
    return all_finite;
  }
  const auto shared =
      context.pool.allocate(static_cast<uint64_t>(kPoints * plan.input_step) * sizeof(float));
  auto* inputs = reinterpret_cast<float*>(shared.get());
  for (int64_t first = 0; first < plan.tiles; first += plan.width) {
    const int64_t n = std::min(plan.width, plan.tiles - first);
    context.threads.split(C_, 1, [&](int64_t begin, int64_t end, int thread) {
      worker_of(thread).transform(first, n, begin, end, inputs);
    });
    context.threads.split(plan.row_panels, 1, [&](int64_t begin, int64_t end, int thread) {
      if (!worker_of(thread).outputs(first, n, begin, end, inputs)) all_finite = false;
    });
  }
  return all_finite;
}

}  // namespace braid::runner
