// Operators that only move numbers: their origins move along.
#include <algorithm>
#include <numeric>

#include "braid/explain/origin_rules.h"

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;
using Sizes = std::vector<int64_t>;

// A repeated dimension of a merged one is written out up to here; larger origins are given up.
constexpr int64_t kMostNumbers = 300'000'000;

bool fits(const Origin& origin, const Sizes& from, size_t begin, size_t end) {
  int64_t numbers = origin.numel();
  for (size_t i = begin; i < end; ++i)
    if (origin.size(static_cast<int64_t>(i) + 1) == 1) numbers *= from[i];
  return numbers <= kMostNumbers;
}

// Dimensions [i0,i1) of the input hold the same numbers as [j0,j1) of the output.
struct Group {
  size_t i0, i1, j0, j1;
};

std::vector<Group> matching_groups(const Sizes& from, const Sizes& to) {
  std::vector<Group> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    Group group{i, i, j, j};
    int64_t a = i < from.size() ? from[i++] : 1, b = j < to.size() ? to[j++] : 1;
    while (a != b) {
      if (a < b && i < from.size())
        a *= from[i++];
      else if (a > b && j < to.size())
        b *= to[j++];
      else
        return {};
    }
    group.i1 = i;
    group.j1 = j;
    groups.push_back(group);
  }
  return groups;
}

Origin reshaped(Origin origin, const Sizes& from, const Sizes& to) {
  Sizes sizes = {origin.size(0)};
  const auto groups = matching_groups(from, to);
  if (groups.empty() && !(from.empty() && to.empty())) return {};
  for (const auto& group : groups) {
    bool any = false;
    for (size_t i = group.i0; i < group.i1; ++i)
      any = any || origin.size(static_cast<int64_t>(i) + 1) > 1;
    for (size_t j = group.j0; j < group.j1; ++j) sizes.push_back(any ? to[j] : 1);
    if (!any) continue;
    if (!fits(origin, from, group.i0, group.i1)) return {};
    for (size_t i = group.i0; i < group.i1; ++i)
      origin = widen(origin, static_cast<int64_t>(i), from[i]);
  }
  return origin.reshape(sizes);
}

void reshape_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (origin.defined()) step.give(reshaped(origin, step.shape("self"), step.output_shape()));
}

void permute_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto dims = step.integers("dims");
  Sizes order = {0};
  for (const int64_t dim : dims) order.push_back(from_front(dim, dims.size()) + 1);
  step.give(origin.permute(order));
}

// Rows [start, start + length) of a dimension, every step-th.
Origin part_of(const Origin& origin, const Sizes& shape, int64_t dim, int64_t start, int64_t length,
               int64_t every = 1) {
  return varies(origin, shape, dim) ? origin.slice(dim + 1, start, start + length, every) : origin;
}

void select_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dim", 0), shape.size());
  const int64_t index =
      from_front(step.integer("index", 0), static_cast<size_t>(shape[static_cast<size_t>(dim)]));
  step.give(part_of(origin, shape, dim, index, 1).squeeze(dim + 1));
}

void slice_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dim", 0), shape.size());
  const int64_t size = shape[static_cast<size_t>(dim)];
  const auto inside = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t start = inside(step.integer("start", 0));
  const int64_t end = inside(step.integer("end", size));
  step.give(part_of(origin, shape, dim, start, std::max<int64_t>(0, end - start),
                    step.integer("step", 1)));
}

void narrow_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dim", 0), shape.size());
  step.give(part_of(origin, shape, dim, step.integer("start", 0), step.integer("length", 0)));
}

// chunk, split and split_with_sizes; unbind, whose parts lose the dimension.
void parts_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dim", 0), shape.size());
  const bool unbind = step.node.name() == "aten::unbind";
  int64_t start = 0;
  for (size_t k = 0; k < step.node.outputs.size(); ++k) {
    const int64_t length = unbind ? 1 : step.output_shape(k).at(static_cast<size_t>(dim));
    const auto part = part_of(origin, shape, dim, start, length);
    step.give(unbind ? part.squeeze(dim + 1) : part, k);
    start += length;
  }
}

// Parts that vary along the dimension are joined; of others, such as channels, the mean counts.
void join(const OriginStep& step, const std::vector<Origin>& origins,
          const std::vector<Sizes>& shapes, int64_t dim) {
  const auto at = static_cast<size_t>(dim);
  Sizes sizes;
  torch::TensorOptions options;
  bool vary = false;
  for (size_t i = 0; i < origins.size(); ++i) {
    if (!origins[i].defined()) continue;
    options = origins[i].options();
    vary = vary || varies(origins[i], shapes[i], dim);
    if (sizes.empty()) sizes.assign(static_cast<size_t>(origins[i].dim()), 1);
    for (size_t d = 0; d < sizes.size(); ++d)
      sizes[d] = std::max(sizes[d], origins[i].size(static_cast<int64_t>(d)));
  }
  if (sizes.empty()) return;
  std::vector<Origin> parts;
  Origin sum;
  int64_t count = 0;
  for (size_t i = 0; i < origins.size(); ++i) {
    sizes[at + 1] = vary ? shapes[i][at] : 1;
    if (vary) {
      parts.push_back(origins[i].defined() ? origins[i].expand(sizes)
                                           : torch::zeros(sizes, options));
    } else if (origins[i].defined()) {
      const auto part = origins[i] * static_cast<double>(shapes[i][at]);
      sum = sum.defined() ? sum + part : part;
      count += shapes[i][at];
    }
  }
  step.give(vary ? torch::cat(parts, dim + 1) : sum / static_cast<double>(count));
}

void cat_rule(const OriginStep& step) {
  const bool stack = step.node.name() == "aten::stack";
  const auto& list = step.node.argument("tensors").values;
  const int64_t dim = from_front(step.integer("dim", 0), step.output_shape().size());
  std::vector<Origin> origins;
  std::vector<Sizes> shapes;
  for (const ValueId id : list) {
    auto origin = step.of(id);
    auto shape = step.shape(id);
    if (stack) {
      if (origin.defined()) origin = origin.unsqueeze(dim + 1);
      shape.insert(shape.begin() + dim, 1);
    }
    origins.push_back(origin);
    shapes.push_back(shape);
  }
  join(step, origins, shapes, dim);
}

void roll_rule(const OriginStep& step) {
  auto origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const auto shifts = step.integers("shifts"), dims = step.integers("dims");
  if (dims.size() != shifts.size()) return;
  for (size_t i = 0; i < dims.size(); ++i)
    origin = origin.roll(shifts[i], from_front(dims[i], shape.size()) + 1);
  step.give(origin);
}

void flip_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  auto dims = step.integers("dims");
  for (auto& dim : dims) dim = from_front(dim, step.shape("self").size()) + 1;
  step.give(origin.flip(dims));
}

void expand_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (origin.defined()) step.give(with_rank(origin, step.output_shape().size()));
}

void repeat_rule(const OriginStep& step) {
  auto origin = step.of("self");
  if (!origin.defined()) return;
  const auto repeats = step.integers("repeats");
  origin = with_rank(origin, repeats.size());
  Sizes times = {1};
  for (size_t i = 0; i < repeats.size(); ++i)
    times.push_back(origin.size(static_cast<int64_t>(i) + 1) == 1 ? 1 : repeats[i]);
  step.give(origin.repeat(times));
}

// What is added has no place.
void pad_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  auto pads = step.integers("pad");
  for (size_t i = 0; i < pads.size(); ++i)
    if (origin.size(origin.dim() - 1 - static_cast<int64_t>(i / 2)) == 1) pads[i] = 0;
  step.give(torch::constant_pad_nd(origin, pads));
}

void index_select_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  const ValueId index = step.node.value("index");
  if (!origin.defined() || !step.is_constant(index)) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dim", 0), shape.size());
  step.give(varies(origin, shape, dim)
                ? origin.index_select(dim + 1, step.constant(index).to(origin.device()))
                : origin);
}

void unfold_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  if (!origin.defined()) return;
  const auto shape = step.shape("self");
  const int64_t dim = from_front(step.integer("dimension", 0), shape.size());
  step.give(varies(origin, shape, dim)
                ? origin.unfold(dim + 1, step.integer("size", 1), step.integer("step", 1))
                : origin.unsqueeze(-1));
}

}  // namespace

const OriginRules& layout_rules() {
  static const OriginRules rules = {{"aten::reshape", reshape_rule},
                                    {"aten::permute", permute_rule},
                                    {"aten::select", select_rule},
                                    {"aten::slice", slice_rule},
                                    {"aten::narrow", narrow_rule},
                                    {"aten::unbind", parts_rule},
                                    {"aten::chunk", parts_rule},
                                    {"aten::split", parts_rule},
                                    {"aten::split_with_sizes", parts_rule},
                                    {"aten::cat", cat_rule},
                                    {"aten::stack", cat_rule},
                                    {"aten::roll", roll_rule},
                                    {"aten::flip", flip_rule},
                                    {"aten::expand", expand_rule},
                                    {"aten::expand_as", expand_rule},
                                    {"aten::repeat", repeat_rule},
                                    {"aten::constant_pad_nd", pad_rule},
                                    {"aten::index_select", index_select_rule},
                                    {"aten::unfold", unfold_rule}};
  return rules;
}

}  // namespace braid::explain
