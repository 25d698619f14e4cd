#include "braid/explain/attention.h"

#include <algorithm>
#include <map>

#include "braid/core/error.h"
#include "braid/explain/origin_tracer.h"
#include "braid/explain/replay_nodes.h"

namespace braid::explain {
namespace {

using torch::Tensor;

// Cells that rollout tells apart; numbers of the image's pixels times cells.
constexpr int64_t kMostCells = 784, kMostPixelCells = 100'000'000;

bool has_places(const AttentionSite& site) {
  return site.queries.defined() && site.keys.defined() && site.queries.size(-1) > 1 &&
         site.keys.size(-1) > 1;
}

// [3,B,h,N] at these sizes: places of all tokens.
Tensor spread(const Origin& places, int64_t batch, int64_t tokens) {
  const auto rank = places.dim();  // heads share their tokens' places
  auto p = places;
  for (int64_t d = 2; d < rank - 1; ++d) p = p.mean(d, true);
  return p.reshape({3, -1, p.size(-1)}).expand({3, batch, tokens});
}

// [B,h,N,M]
Tensor with_four(const Tensor& weights) {
  return weights.dim() == 4 ? weights : weights.unsqueeze(1);
}

struct Spots {
  Tensor y, x, known;  // [B,N]
};

Spots spots_of(const Origin& places, int64_t batch, int64_t tokens) {
  const auto p = spread(places.detach().to(torch::kFloat), batch, tokens);
  const auto known = p[2] > kLeastPresence;
  const auto presence = p[2].clamp_min(kLeastPresence);
  return {p[0] / presence, p[1] / presence, known};
}

// [M] looked at, of [B,h,N,M]: by queries without a place where all keys are seen at once (class
// tokens), else by all that have one.
Tensor seen(const Tensor& weights, const Spots& queries) {
  const auto mean_heads = weights.mean(1);  // [B,N,M]
  const bool by_class = weights.size(0) == 1 && queries.known.logical_not().any().item<bool>();
  const auto chosen = (by_class ? queries.known.logical_not() : queries.known)
                          .to(torch::kFloat)
                          .unsqueeze(-1);  // [B,N,1]
  return (mean_heads * chosen).sum(1) / chosen.sum(1).clamp_min(1);
}

Tensor on_raster(const Tensor& shares, const Spots& keys) {
  Places places;
  const auto y = keys.y.reshape(-1).contiguous().cpu(), x = keys.x.reshape(-1).contiguous().cpu();
  const auto known = keys.known.reshape(-1).contiguous().cpu();
  const auto flat = shares.reshape(-1).contiguous().cpu();
  for (int64_t i = 0; i < y.numel(); ++i) {
    places.y.push_back(y[i].item<double>());
    places.x.push_back(x[i].item<double>());
    places.known.push_back(known[i].item<bool>());
  }
  const auto raster = raster_of(places);
  auto map = torch::zeros({raster.height() * raster.width()});
  auto a = map.accessor<float, 1>();
  const auto share = flat.accessor<float, 1>();
  for (int64_t i = 0; i < flat.numel(); ++i)
    if (const auto k = static_cast<size_t>(i); places.known[k])
      a[raster.cell(places.y[k], places.x[k])] += share[i];
  return map.view({raster.height(), raster.width()});
}

// Rows and columns of cells: those of the first attention's queries, halved where they are too
// many.
std::pair<int64_t, int64_t> cells_of(const ExplainableGraph& explained) {
  for (const auto& site : explained.attention) {
    if (!has_places(site)) continue;
    const auto raster = raster_of(places_of(site.queries));
    int64_t rows = raster.height(), columns = raster.width();
    const auto too_many = [&] {
      return rows * columns > kMostCells ||
             rows * columns * explained.height * explained.width > kMostPixelCells;
    };
    for (; too_many() && rows > 1 && columns > 1;
         rows = (rows + 1) / 2, columns = (columns + 1) / 2)
      ;
    return {rows, columns};
  }
  throw DataError("explain", "expected a model with attention among places, got one without", "",
                  "use --method grad-cam, integrated-gradients or occlusion");
}

// [cells,1,1,H,W]: 1 where a pixel lies in the cell.
Origin pixel_cells(const ExplainableGraph& explained, int64_t rows, int64_t columns) {
  const auto which = [](int64_t pixels, int64_t cells) {
    const auto index = (torch::arange(pixels, torch::kLong) * 2 + 1) * cells / (2 * pixels);
    return torch::one_hot(index.floor().to(torch::kLong), cells)
        .t()
        .to(torch::kFloat);  // [cells,P]
  };
  const int64_t H = explained.height, W = explained.width;
  const auto y = which(H, rows).view({rows, 1, H, 1}),
             x = which(W, columns).view({1, columns, 1, W});
  return (y * x).view({rows * columns, 1, 1, H, W});
}

}  // namespace

std::vector<double> attention_distance(const Tensor& weights, const Origin& queries,
                                       const Origin& keys) {
  const auto w = with_four(weights);
  const auto q = spots_of(queries, w.size(0), w.size(2)), k = spots_of(keys, w.size(0), w.size(3));
  const auto dy = q.y.unsqueeze(2) - k.y.unsqueeze(1), dx = q.x.unsqueeze(2) - k.x.unsqueeze(1);
  const auto distance = (dy.square() + dx.square()).sqrt().unsqueeze(1);       // [B,1,N,M]
  const auto known = w * k.known.to(torch::kFloat).unsqueeze(1).unsqueeze(1);  // [B,h,N,M]
  const auto total = known.sum(-1);                                            // [B,h,N]
  const auto mean = (known * distance).sum(-1) / total.clamp_min(1e-12);
  const auto counts = (q.known.unsqueeze(1).logical_and(total > 1e-6)).to(torch::kFloat);
  const auto heads =
      ((mean * counts).sum(at::IntArrayRef{0, 2}) / counts.sum(at::IntArrayRef{0, 2}).clamp_min(1))
          .cpu();
  std::vector<double> result;
  for (int64_t h = 0; h < heads.size(0); ++h) result.push_back(heads[h].item<double>());
  return result;
}

std::vector<AttentionLayer> attention_layers(const ExplainableGraph& explained,
                                             const Tensor& image) {
  const torch::NoGradGuard no_grad;
  std::vector<AttentionLayer> layers;
  const auto& nodes = explained.graph.nodes;
  auto site = explained.attention.begin();
  replay_nodes(explained.graph, image, [&](size_t position, const std::vector<Tensor>& values) {
    if (site == explained.attention.end() || position != site->node) return;
    const auto& here = *site++;
    if (!has_places(here)) return;
    const auto weights = with_four(attention_weights(nodes[position], values)).cpu();
    const auto keys = spots_of(here.keys, weights.size(0), weights.size(3));
    const auto queries = spots_of(here.queries, weights.size(0), weights.size(2));
    layers.push_back(
        {.name = module_of(explained.graph, nodes[position]),
         .heads = weights.size(1),
         .queries = weights.size(2),
         .keys = weights.size(3),
         .distance = attention_distance(weights, here.queries, here.keys),
         .map = on_raster(seen(weights, queries), keys) / static_cast<double>(weights.size(0))});
  });
  return layers;
}

Tensor attention_rollout(const ExplainableGraph& explained, const Tensor& image) {
  const torch::NoGradGuard no_grad;
  const auto [rows, columns] = cells_of(explained);
  OriginTracer flow(explained.graph, OriginKind::kFlow,
                    pixel_cells(explained, rows, columns).to(image.device()));
  replay_nodes(explained.graph, image, [&](size_t position, const std::vector<Tensor>& values) {
    flow.see(position, values);
    flow.forget(values);
  });
  const auto& result = flow.of(explained.graph.outputs.at(0));
  if (!result.defined())
    throw DataError("explain",
                    "expected operators that attention can be followed through, got others", "",
                    "use --method attention, which shows each layer by itself");
  return result.reshape({rows * columns, -1}).mean(1).view({rows, columns}).cpu();
}

}  // namespace braid::explain
