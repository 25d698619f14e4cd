// Functions of one tensor, element by element.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "braid/runner/op.h"
#include "braid/runner/ops/activation.h"
#include "braid/runner/ops/dtypes.h"
#include "braid/runner/ops/fused.h"

namespace braid::runner {
namespace {

constexpr int64_t kElementsAtOnce = 16384;

class FunctionOp final : public Op {
 public:
  explicit FunctionOp(const NodeView& node) : Op(node) {
    node.expect_counts(1, node.node().op_type == "Clip" ? 3 : 1);
    const auto activation = activation_of(node);
    bounds_follow_ = !activation.has_value();
    if (activation) activation_ = *activation;
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    if (x.dtype() != DType::kFloat) return {of_others(context, in)};
    Activation activation = activation_;
    if (bounds_follow_) activation = {Function::kClip, bound(in, 1, -kInf), bound(in, 2, kInf)};
    Tensor y = in.is_free(0) ? x : context.make(DType::kFloat, x.dims());
    const float* from = x.as<float>();
    float* to = y.as<float>();
    context.threads.split(x.count(), kElementsAtOnce, [&](int64_t begin, int64_t end, int) {
      context.kernels.apply(activation, from + begin, to + begin, end - begin);
    });
    return {y};
  }

 private:
  static constexpr float kInf = std::numeric_limits<float>::infinity();

  float bound(const Inputs& in, size_t i, float otherwise) const {
    if (!in.has(i)) return otherwise;
    expect_dtype(in.at(i), DType::kFloat);
    expect(in.at(i).count() == 1, "one number as a bound", to_string(in.at(i).dims()));
    return *in.at(i).as<float>();
  }

  template <class T>
  T whole_bound(const Inputs& in, size_t i, T otherwise) const {
    if (!in.has(i)) return otherwise;
    expect_dtype(in.at(i), in.at(0).dtype());
    expect(in.at(i).count() == 1, "one number as a bound", to_string(in.at(i).dims()));
    return *in.at(i).as<T>();
  }

  // Shapes and indices are clipped too, and what stands in float64.
  Tensor of_others(const RunContext& context, const Inputs& in) const {
    const Tensor& x = in.at(0);
    Tensor y = context.make(x.dtype(), x.dims());
    const bool known = for_number_type(x.dtype(), [&]<class T>(T) {
      T low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
      if (bounds_follow_ || activation_.function == Function::kClip) {
        low = whole_bound(in, 1, low);
        high = whole_bound(in, 2, high);
      }
      for (int64_t i = 0; i < x.count(); ++i) y.as<T>()[i] = one(x.as<T>()[i], low, high);
    });
    expect(known, "numbers", to_string(x.dtype()));
    return y;
  }

  template <class T>
  T one(T x, T low, T high) const {
    switch (activation_.function) {
      case Function::kAbs:
        return x < T(0) ? static_cast<T>(T(0) - x) : x;
      case Function::kNeg:
        return static_cast<T>(T(0) - x);
      case Function::kRelu:
        return std::max(x, T(0));
      case Function::kClip:
      case Function::kIdentity:
        return std::min(std::max(x, low), high);
      default:
        break;
    }
    if constexpr (std::is_same_v<T, double>) {
      if (activation_.function == Function::kSqrt) return std::sqrt(x);
      if (activation_.function == Function::kExp) return std::exp(x);
      if (activation_.function == Function::kReciprocal) return 1 / x;
    }
    refuse("float32", "another type");
  }

  Activation activation_;
  bool bounds_follow_ = false;  // from inputs that are computed
};

// Functions that no hot path needs.
class RareFunctionOp final : public Op {
 public:
  explicit RareFunctionOp(const NodeView& node) : Op(node) {
    node.expect_counts(1, 1);
    static const std::map<std::string, double (*)(double)> functions = {
        {"Ceil", [](double x) { return std::ceil(x); }},
        {"Cos", [](double x) { return std::cos(x); }},
        {"Floor", [](double x) { return std::floor(x); }},
        {"Log", [](double x) { return std::log(x); }},
        {"Round", [](double x) { return std::nearbyint(x); }},
        {"Sin", [](double x) { return std::sin(x); }},
        {"Softplus", [](double x) { return x > 30 ? x : std::log1p(std::exp(x)); }}};
    function_ = functions.at(node.node().op_type);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    Tensor y = context.make(x.dtype(), x.dims());
    const auto apply = [&]<class T>(T) {
      context.threads.split(x.count(), 4096, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i)
          y.as<T>()[i] = static_cast<T>(function_(static_cast<double>(x.as<T>()[i])));
      });
    };
    if (x.dtype() == DType::kFloat)
      apply(float{});
    else if (x.dtype() == DType::kDouble)
      apply(double{});
    else
      refuse("float32 or float64", to_string(x.dtype()));
    return {y};
  }

 private:
  double (*function_)(double) = nullptr;
};

class NotOp final : public Op {
 public:
  explicit NotOp(const NodeView& node) : Op(node) { node.expect_counts(1, 1); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kBool);
    Tensor y = context.make(DType::kBool, x.dims());
    for (int64_t i = 0; i < x.count(); ++i) y.as<uint8_t>()[i] = x.as<uint8_t>()[i] == 0;
    return {y};
  }
};

class IdentityOp final : public Op {
 public:
  explicit IdentityOp(const NodeView& node) : Op(node) { node.expect_counts(1, 1); }
  std::vector<Tensor> run(const RunContext&, const Inputs& in) override { return {in.at(0)}; }
};

class CastOp final : public Op {
 public:
  explicit CastOp(const NodeView& node) : Op(node) {
    node.expect_counts(1, 1);
    const int64_t to = node.integer("to", 0);
    if (to < 0 || to > 100 || !is_supported(static_cast<int32_t>(to)))
      node.refuse("a cast to a type that is known", fmt::format("type {} of ONNX", to));
    to_ = static_cast<DType>(to);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    if (x.dtype() == to_) return {x};
    Tensor y = context.make(to_, x.dims());
    const auto from = [&]<class From>(From) {
      if (to_ == DType::kBool)
        for (int64_t i = 0; i < x.count(); ++i) y.as<uint8_t>()[i] = x.as<From>()[i] != From(0);
      else
        for_number_type(to_, [&]<class To>(To) {
          context.threads.split(x.count(), kElementsAtOnce, [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; ++i) y.as<To>()[i] = converted<To>(x.as<From>()[i]);
          });
        });
    };
    if (x.dtype() == DType::kBool)
      from(uint8_t{});
    else if (x.dtype() == DType::kInt4)
      from(int8_t{});
    else
      for_number_type(x.dtype(), from);
    return {y};
  }

 private:
  // A number that the type cannot hold becomes the nearest that it can; none becomes 0.
  template <class To, class From>
  static To converted(From x) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      if (!(x == x)) return 0;
      constexpr auto low = static_cast<double>(std::numeric_limits<To>::min());
      constexpr auto high = static_cast<double>(std::numeric_limits<To>::max());
      if (static_cast<double>(x) <= low) return std::numeric_limits<To>::min();
      if (static_cast<double>(x) >= high) return std::numeric_limits<To>::max();
    }
    return static_cast<To>(x);
  }

  DType to_;
};

}  // namespace

std::optional<Activation> activation_of(const NodeView& node) {
  static const std::map<std::string, Function> plain = {{"Abs", Function::kAbs},
                                                        {"Erf", Function::kErf},
                                                        {"Exp", Function::kExp},
                                                        {"HardSwish", Function::kHardSwish},
                                                        {"Mish", Function::kMish},
                                                        {"Neg", Function::kNeg},
                                                        {"Reciprocal", Function::kReciprocal},
                                                        {"Relu", Function::kRelu},
                                                        {"Sigmoid", Function::kSigmoid},
                                                        {"braid.Silu", Function::kSilu},
                                                        {"Sqrt", Function::kSqrt},
                                                        {"Tanh", Function::kTanh}};
  const auto& type = node.node().op_type;
  if (const auto it = plain.find(type); it != plain.end()) return Activation{it->second};
  if (type == "Gelu") {
    const auto how = node.text("approximate", "none");
    if (how != "none" && how != "tanh") node.refuse("approximate none or tanh", how);
    return Activation{how == "tanh" ? Function::kGeluTanh : Function::kGelu};
  }
  if (type == "HardSigmoid")
    return Activation{Function::kHardSigmoid, node.number("alpha", 0.2f),
                      node.number("beta", 0.5f)};
  if (type == "LeakyRelu") return Activation{Function::kLeakyRelu, node.number("alpha", 0.01f)};
  if (type == "Elu") return Activation{Function::kElu, node.number("alpha", 1)};
  if (type != "Clip") return std::nullopt;
  Activation clip{Function::kClip, -std::numeric_limits<float>::infinity(),
                  std::numeric_limits<float>::infinity()};
  for (size_t i = 1; i <= 2; ++i) {
    if (!node.has_input(i)) continue;
    const Tensor* bound = node.constant(i);
    if (bound == nullptr || bound->dtype() != DType::kFloat || bound->count() != 1)
      return std::nullopt;
    (i == 1 ? clip.alpha : clip.beta) = *bound->as<float>();
  }
  return clip;
}

std::optional<Bounds> bounds_of(const Activation& f) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  switch (f.function) {
    case Function::kIdentity:
      return Bounds{-kInf, kInf};
    case Function::kRelu:
      return Bounds{0, kInf};
    case Function::kClip:
      return Bounds{f.alpha, f.beta};
    default:
      return std::nullopt;
  }
}

void activate(const RunContext& context, const Activation& f, Tensor& y) {
  if (f.function == Function::kIdentity) return;
  float* numbers = y.as<float>();
  context.threads.split(y.count(), kElementsAtOnce, [&](int64_t begin, int64_t end, int) {
    context.kernels.apply(f, numbers + begin, numbers + begin, end - begin);
  });
}

void add_function_ops(OpTable& table) {
  for (const char* name :
       {"Abs", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish",
        "Neg", "Reciprocal", "Relu", "Sigmoid", "braid.Silu", "Sqrt", "Tanh"})
    table[name] = make_op<FunctionOp>;
  for (const char* name : {"Ceil", "Cos", "Floor", "Log", "Round", "Sin", "Softplus"})
    table[name] = make_op<RareFunctionOp>;
  table["Not"] = make_op<NotOp>;
  table["Identity"] = make_op<IdentityOp>;
  table["Cast"] = make_op<CastOp>;
}

}  // namespace braid::runner
