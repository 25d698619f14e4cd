// Resize along one or two axes, with or without antialiasing: each axis by its own table of
// weights, as PIL does it for bytes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "braid/runner/op.h"
#include "braid/runner/ops/dtypes.h"

namespace braid::runner {
namespace {

enum class Mode { kNearest, kLinear, kCubic };

// Input pixels for output pixels. Apart, since 9 * 14 / 18 is 7, but 9 / (18 / 14) a hair below it:
// the nearest pixel would be another one.
struct Ratio {
  double from = 1, to = 1;
  double of(double place) const { return place * from / to; }
};

// For each output place, the input places and their weights.
struct Taps {
  int64_t count = 0;  // of each output
  std::vector<int64_t> from;
  std::vector<double> weights;
};

class ResizeOp final : public Op {
 public:
  explicit ResizeOp(const NodeView& node)
      : Op(node),
        antialias_(node.integer("antialias", 0) != 0),
        excludes_outside_(node.integer("exclude_outside", 0) != 0),
        cubic_(node.number("cubic_coeff_a", -0.75f)),
        coordinates_(node.text("coordinate_transformation_mode", "half_pixel")),
        nearest_(node.text("nearest_mode", "round_prefer_floor")),
        axes_(node.integers("axes", {})) {
    node.expect_counts(1, 4);
    const auto mode = node.text("mode", "nearest");
    if (mode != "nearest" && mode != "linear" && mode != "cubic")
      node.refuse("mode nearest, linear or cubic", mode);
    mode_ = mode == "nearest" ? Mode::kNearest : mode == "linear" ? Mode::kLinear : Mode::kCubic;
    if (coordinates_ != "half_pixel" && coordinates_ != "asymmetric" &&
        coordinates_ != "align_corners" && coordinates_ != "pytorch_half_pixel")
      node.refuse("coordinates of half_pixel, asymmetric or align_corners", coordinates_);
    if (mode_ == Mode::kNearest && nearest_ != "floor" && nearest_ != "round_prefer_floor" &&
        nearest_ != "ceil" && nearest_ != "round_prefer_ceil")
      node.refuse("a nearest_mode that is known", nearest_);
    if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch")
      node.refuse("sizes that are taken as they are", "another policy");
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    Tensor x = in.at(0);
    Dims axes = axes_;
    if (axes.empty())
      for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
    const auto [sizes, ratios] = sizes_of(x, axes, in);
    // The last axis first, as PIL: what is far apart in memory is then less.
    for (size_t i = axes.size(); i-- > 0;) {
      const auto axis = static_cast<size_t>(axis_of(axes[i], x.rank()));
      expect(sizes[i] > 0 && x.dims()[axis] > 0, "an image that is not empty", to_string(x.dims()));
      if (sizes[i] == x.dims()[axis] && ratios[i].from == ratios[i].to) continue;
      x = along(context, x, axis, sizes[i], ratios[i]);
    }
    return {x};
  }

 private:
  struct Target {
    Dims sizes;
    std::vector<Ratio> ratios;
  };
  Target sizes_of(const Tensor& x, const Dims& axes, const Inputs& in) const {
    Target target;
    if (in.has(3)) {
      target.sizes = numbers_of(in.at(3));
      expect(target.sizes.size() == axes.size(), "a size for each axis", to_string(target.sizes));
      for (size_t i = 0; i < axes.size(); ++i)
        target.ratios.push_back(
            {static_cast<double>(x.dims()[static_cast<size_t>(axis_of(axes[i], x.rank()))]),
             static_cast<double>(target.sizes[i])});
      return target;
    }
    expect(in.has(2) && in.at(2).count() == static_cast<int64_t>(axes.size()),
           "sizes, or a scale for each axis", "others");
    expect_dtype(in.at(2), DType::kFloat);
    for (size_t i = 0; i < axes.size(); ++i) {
      const double scale = in.at(2).as<float>()[i];
      expect(scale > 0 && scale < 1e6, "scales above 0", std::to_string(scale));
      target.ratios.push_back({1, scale});
      target.sizes.push_back(static_cast<int64_t>(
          scale * static_cast<double>(x.dims()[static_cast<size_t>(axis_of(axes[i], x.rank()))])));
    }
    return target;
  }

  double source_of(int64_t at, int64_t size, int64_t out, const Ratio& ratio) const {
    const auto place = static_cast<double>(at);
    if (coordinates_ == "asymmetric") return ratio.of(place);
    if (coordinates_ == "align_corners")
      return out == 1 ? 0 : place * static_cast<double>(size - 1) / static_cast<double>(out - 1);
    if (coordinates_ == "pytorch_half_pixel" && out == 1) return 0;
    return ratio.of(place + 0.5) - 0.5;
  }

  double kernel(double x) const {
    x = std::abs(x);
    if (mode_ == Mode::kLinear) return x < 1 ? 1 - x : 0;
    const double a = cubic_;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
  }

  int64_t nearest_of(double source) const {
    if (nearest_ == "floor") return static_cast<int64_t>(std::floor(source));
    if (nearest_ == "ceil") return static_cast<int64_t>(std::ceil(source));
    if (nearest_ == "round_prefer_ceil") return static_cast<int64_t>(std::floor(source + 0.5));
    return static_cast<int64_t>(std::ceil(source - 0.5));
  }

  Taps taps_of(int64_t size, int64_t out, const Ratio& ratio) const {
    // Shrinking with antialiasing widens the filter.
    const double stretch = antialias_ ? std::max(1.0, ratio.from / ratio.to) : 1;
    const double support = (mode_ == Mode::kCubic ? 2 : 1) * stretch;
    Taps taps;
    taps.count = mode_ == Mode::kNearest ? 1 : 2 * static_cast<int64_t>(std::ceil(support)) + 1;
    count_of({taps.count, out}, DType::kDouble, where());
    expect(taps.count * out < int64_t{1} << 24, "a resize of fewer weights", std::to_string(out));
    for (int64_t i = 0; i < out; ++i) {
      const double source = source_of(i, size, out, ratio);
      if (mode_ == Mode::kNearest) {
        taps.from.push_back(std::clamp<int64_t>(nearest_of(source), 0, size - 1));
        taps.weights.push_back(1);
      } else if (antialias_) {
        antialiased(taps, source, stretch, support, size);
      } else {
        plain(taps, source, size);
      }
    }
    return taps;
  }

  // Weights of the pixels that are there, made to sum to 1: PIL's.
  void antialiased(Taps& taps, double source, double stretch, double support, int64_t size) const {
    const double centre = source + 0.5;
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - support + 0.5)));
    const auto last =
        std::min<int64_t>(size, static_cast<int64_t>(std::floor(centre + support + 0.5)));
    add_taps(taps, first, std::min(last, first + taps.count), size, [&](int64_t at) {
      return kernel((static_cast<double>(at) - centre + 0.5) / stretch);
    });
  }

  void plain(Taps& taps, double source, int64_t size) const {
    const auto before = static_cast<int64_t>(std::floor(source));
    const int64_t reach = mode_ == Mode::kCubic ? 2 : 1;
    add_taps(taps, before - reach + 1, before + reach + 1, size, [&](int64_t at) {
      const bool outside = excludes_outside_ && (at < 0 || at >= size);
      return outside ? 0 : kernel(source - static_cast<double>(at));
    });
  }

  template <class Weight>
  static void add_taps(Taps& taps, int64_t first, int64_t last, int64_t size,
                       const Weight& weight) {
    const size_t begin = taps.weights.size();
    double sum = 0;
    for (int64_t k = 0; k < taps.count; ++k) {
      const int64_t at = first + k;
      taps.from.push_back(std::clamp<int64_t>(at, 0, size - 1));
      taps.weights.push_back(at < last ? weight(at) : 0);
      sum += taps.weights.back();
    }
    if (sum == 0) return;
    for (size_t k = begin; k < taps.weights.size(); ++k) taps.weights[k] /= sum;
  }

  Tensor along(const RunContext& context, const Tensor& x, size_t axis, int64_t out,
               const Ratio& ratio) const {
    Dims dims = x.dims();
    const int64_t size = dims[axis];
    dims[axis] = out;
    Tensor y = context.make(x.dtype(), dims);
    const auto taps = taps_of(size, out, ratio);
    const int64_t outer = product(dims, 0, axis), inner = product(dims, axis + 1, dims.size());
    if (x.dtype() == DType::kFloat)
      apply<float, float>(context, x, taps, outer, size, out, inner, y);
    else if (x.dtype() == DType::kUint8) {
      // Beyond, whole sums would not hold them; a cubic's are within 1.4.
      const double most = largest_sum(taps);
      expect(most <= 2, "weights of pixels that sum up to 2 at most", std::to_string(most));
      apply<uint8_t, int32_t>(context, x, taps, outer, size, out, inner, y);
    } else
      refuse("float32 or uint8", to_string(x.dtype()));
    return y;
  }

  // Of the weights' magnitudes, over the outputs; the first that is above 2 or no number.
  static double largest_sum(const Taps& taps) {
    double largest = 0;
    for (size_t i = 0; i < taps.weights.size(); i += static_cast<size_t>(taps.count)) {
      double sum = 0;
      for (size_t k = 0; k < static_cast<size_t>(taps.count); ++k)
        sum += std::abs(taps.weights[i + k]);
      if (!(sum <= 2)) return sum;
      largest = std::max(largest, sum);
    }
    return largest;
  }

  // Bytes are summed with whole weights, as in PIL; sums are rows of `inner` numbers.
  template <class T, class Weight>
  static void apply(const RunContext& context, const Tensor& x, const Taps& taps, int64_t outer,
                    int64_t size, int64_t out, int64_t inner, Tensor& y) {
    constexpr int kBits = 32 - 8 - 2;
    std::vector<Weight> weights;
    for (const double weight : taps.weights)
      if constexpr (std::is_same_v<Weight, float>)
        weights.push_back(static_cast<float>(weight));
      else
        weights.push_back(static_cast<int32_t>(weight * (1 << kBits) + (weight < 0 ? -0.5 : 0.5)));
    const auto start = std::is_same_v<Weight, float> ? Weight(0) : Weight(1 << (kBits - 1));
    const auto rounded = [](Weight sum) {
      if constexpr (std::is_same_v<T, float>)
        return sum;
      else
        return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255));
    };
    if (inner == 1)  // the last axis: sums stay in registers
      return context.threads.split(outer, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t o = begin; o < end; ++o) {
          const T* row = x.as<T>() + o * size;
          T* to = y.as<T>() + o * out;
          for (int64_t i = 0; i < out; ++i) {
            Weight sum = start;
            for (int64_t k = 0; k < taps.count; ++k) {
              const auto tap = static_cast<size_t>(i * taps.count + k);
              if (weights[tap] != 0) sum += static_cast<Weight>(row[taps.from[tap]]) * weights[tap];
            }
            to[i] = rounded(sum);
          }
        }
      });
    const auto scratch = context.scratch(inner * static_cast<int64_t>(sizeof(Weight)));
    context.threads.split(outer, 1, [&](int64_t begin, int64_t end, int thread) {
      auto* sums = reinterpret_cast<Weight*>(scratch.of(thread));
      for (int64_t o = begin; o < end; ++o)
        for (int64_t i = 0; i < out; ++i) {
          std::fill_n(sums, inner, start);
          for (int64_t k = 0; k < taps.count; ++k) {
            const auto tap = static_cast<size_t>(i * taps.count + k);
            const Weight weight = weights[tap];
            if (weight == 0) continue;
            const T* from = x.as<T>() + (o * size + taps.from[tap]) * inner;
            for (int64_t j = 0; j < inner; ++j) sums[j] += static_cast<Weight>(from[j]) * weight;
          }
          T* to = y.as<T>() + (o * out + i) * inner;
          for (int64_t j = 0; j < inner; ++j) to[j] = rounded(sums[j]);
        }
    });
  }

  Mode mode_;
  bool antialias_, excludes_outside_;
  double cubic_;
  std::string coordinates_, nearest_;
  Dims axes_;
};

}  // namespace

void add_resize_ops(OpTable& table) { table.insert({{"Resize", make_op<ResizeOp>}}); }

}  // namespace braid::runner
