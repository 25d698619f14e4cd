// Operators of two or three tensors, element by element, with broadcasting.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "braid/core/error.h"
#include "braid/runner/op.h"
#include "braid/runner/ops/dtypes.h"
#include "braid/runner/ops/fused.h"
#include "braid/runner/strided.h"

namespace braid::runner {
namespace {

// Calls row(offsets of each operand, their inner strides, length) for all rows of a broadcast.
template <class Row>
void for_each_row(const RunContext& context, Dims dims, std::vector<Dims> strides, const Row& row) {
  if (product(dims) == 0) return;
  collapse(dims, strides);
  const size_t operands = strides.size();
  if (dims.empty()) {
    dims.push_back(1);
    for (auto& list : strides) list.push_back(1);
  }
  const size_t inner = dims.size() - 1;
  Dims inner_strides(operands);
  for (size_t k = 0; k < operands; ++k) inner_strides[k] = strides[k][inner];
  const int64_t length = dims[inner];
  constexpr int64_t kGrain = 16384;
  if (inner == 0) {  // one long row, of which threads take parts
    context.threads.split(length, kGrain, [&](int64_t begin, int64_t end, int) {
      Dims at(operands);
      for (size_t k = 0; k < operands; ++k) at[k] = begin * inner_strides[k];
      row(at, inner_strides, end - begin);
    });
    return;
  }
  context.threads.split(product(dims, 0, inner), std::max<int64_t>(1, kGrain / length),
                        [&](int64_t begin, int64_t end, int) {
                          Dims index(inner, 0), at(operands, 0);
                          int64_t rest = begin;
                          for (size_t d = inner; d-- > 0; rest /= dims[d]) {
                            index[d] = rest % dims[d];
                            for (size_t k = 0; k < operands; ++k) at[k] += index[d] * strides[k][d];
                          }
                          for (int64_t i = begin; i < end; ++i) {
                            row(at, inner_strides, length);
                            for (size_t d = inner; d-- > 0;) {
                              for (size_t k = 0; k < operands; ++k) at[k] += strides[k][d];
                              if (++index[d] < dims[d]) break;
                              for (size_t k = 0; k < operands; ++k)
                                at[k] -= dims[d] * strides[k][d];
                              index[d] = 0;
                            }
                          }
                        });
}

class BroadcastOp : public Op {
 public:
  using Op::Op;

 protected:
  Dims shape_of(const Tensor& a, const Tensor& b) const {
    bool fits = true;
    Dims dims = broadcast(a.dims(), b.dims(), fits);
    if (!fits) refuse("sizes that broadcast", to_string(a.dims()) + " and " + to_string(b.dims()));
    return dims;
  }

  // out = f(a, b) for each element.
  template <class From, class To, class F>
  Tensor map(const RunContext& context, const Tensor& a, const Tensor& b, DType dtype,
             const F& f) const {
    const Dims dims = shape_of(a, b);
    Tensor out = context.make(dtype, dims);
    const From *first = a.as<From>(), *second = b.as<From>();
    To* to = out.as<To>();
    for_each_row(context, dims,
                 {contiguous_strides(dims), broadcast_strides(a.dims(), dims),
                  broadcast_strides(b.dims(), dims)},
                 [&](const Dims& at, const Dims& strides, int64_t n) {
                   const From *x = first + at[1], *y = second + at[2];
                   To* z = to + at[0];
                   for (int64_t i = 0; i < n; ++i)
                     z[i * strides[0]] = f(x[i * strides[1]], y[i * strides[2]]);
                 });
    return out;
  }
};

template <class T>
T whole_quotient(T a, T b) {
  if (b == 0) return 0;
  if (b == T(-1)) return static_cast<T>(T(0) - static_cast<std::make_unsigned_t<T>>(a));
  return static_cast<T>(a / b);
}

// Wraps around where it overflows, as hardware does.
template <class T, class F>
T wrapped(T a, T b, const F& f) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
}

template <class T>
T compute(Arithmetic op, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    switch (op) {
      case Arithmetic::kAdd:
        return wrapped(a, b, [](auto x, auto y) { return x + y; });
      case Arithmetic::kSub:
        return wrapped(a, b, [](auto x, auto y) { return x - y; });
      case Arithmetic::kMul:
        return wrapped(a, b, [](auto x, auto y) { return x * y; });
      case Arithmetic::kDiv:
        return whole_quotient(a, b);
      case Arithmetic::kMax:
        return std::max(a, b);
      default:
        return std::min(a, b);
    }
  } else {
    switch (op) {
      case Arithmetic::kAdd:
        return a + b;
      case Arithmetic::kSub:
        return a - b;
      case Arithmetic::kMul:
        return a * b;
      case Arithmetic::kDiv:
        return a / b;
      case Arithmetic::kMax:
        return std::max(a, b);
      default:
        return std::min(a, b);
    }
  }
}

template <Arithmetic kOp>
class ArithmeticOp final : public BroadcastOp {
 public:
  explicit ArithmeticOp(const NodeView& node) : BroadcastOp(node) {
    constexpr bool variadic = kOp == Arithmetic::kMax || kOp == Arithmetic::kMin;
    node.expect_counts(variadic ? 1 : 2, variadic ? 64 : 2);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    for (size_t i = 1; i < in.size(); ++i) expect(in.has(i), "an input", "none");
    Tensor sum = in.size() == 1 ? in.at(0) : of(context, in.at(0), in.at(1), &in);
    for (size_t i = 2; i < in.size(); ++i) sum = of(context, sum, in.at(i), nullptr);
    return {sum};
  }

 private:
  Tensor of(const RunContext& context, const Tensor& a, const Tensor& b, const Inputs* in) const {
    if (a.dtype() != b.dtype())
      refuse("tensors of one type", to_string(a.dtype()) + " and " + to_string(b.dtype()));
    if (a.dtype() == DType::kFloat) return of_floats(context, a, b, in);
    Tensor out;
    const bool known = for_number_type(a.dtype(), [&]<class T>(T) {
      out = map<T, T>(context, a, b, a.dtype(), [](T x, T y) { return compute<T>(kOp, x, y); });
    });
    expect(known, "numbers", to_string(a.dtype()));
    return out;
  }

  Tensor of_floats(const RunContext& context, const Tensor& a, const Tensor& b,
                   const Inputs* in) const {
    const Dims dims = shape_of(a, b);
    Tensor out;
    if (in != nullptr && in->is_free(0) && a.dims() == dims)
      out = a;
    else if (in != nullptr && in->is_free(1) && b.dims() == dims)
      out = b;
    else
      out = context.make(DType::kFloat, dims);
    for_each_row(context, dims,
                 {contiguous_strides(dims), broadcast_strides(a.dims(), dims),
                  broadcast_strides(b.dims(), dims)},
                 [&](const Dims& at, const Dims& strides, int64_t n) {
                   context.kernels.binary(kOp, a.as<float>() + at[1], strides[1],
                                          b.as<float>() + at[2], strides[2],
                                          out.as<float>() + at[0], n);
                 });
    return out;
  }
};

// Of whole numbers, exact or, beyond the type, wrapped around. A power below 1 is rounded to 0.
template <class T>
T whole_power(T base, T exponent) {
  if constexpr (std::is_signed_v<T>)
    if (exponent < 0) {
      const bool is_one = base == 1 || base == -1;
      return static_cast<T>(!is_one ? 0 : exponent % 2 == 0 ? 1 : base);
    }
  uint64_t power = 1, factor = static_cast<uint64_t>(base);
  for (auto left = static_cast<uint64_t>(exponent); left > 0; left /= 2, factor *= factor)
    if (left % 2 != 0) power *= factor;
  return static_cast<T>(power);
}

class PowOp final : public BroadcastOp {
 public:
  explicit PowOp(const NodeView& node) : BroadcastOp(node) { node.expect_counts(2, 2); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &a = in.at(0), &b = in.at(1);
    if (a.dtype() != b.dtype())
      refuse("tensors of one type", to_string(a.dtype()) + " and " + to_string(b.dtype()));
    Tensor out;
    const bool known = for_number_type(a.dtype(), [&]<class T>(T) {
      out = map<T, T>(context, a, b, a.dtype(), [](T x, T y) {
        if constexpr (std::is_floating_point_v<T>)
          return y == T(2) ? x * x : std::pow(x, y);
        else
          return whole_power(x, y);
      });
    });
    expect(known, "numbers", to_string(a.dtype()));
    return {out};
  }
};

enum class Comparison { kGreater, kGreaterOrEqual, kLess, kLessOrEqual, kEqual, kAnd, kOr };

template <Comparison kOp>
class CompareOp final : public BroadcastOp {
 public:
  explicit CompareOp(const NodeView& node) : BroadcastOp(node) { node.expect_counts(2, 2); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &a = in.at(0), &b = in.at(1);
    if (a.dtype() != b.dtype())
      refuse("tensors of one type", to_string(a.dtype()) + " and " + to_string(b.dtype()));
    if (kOp == Comparison::kAnd || kOp == Comparison::kOr) expect_dtype(a, DType::kBool);
    Tensor out;
    const auto compare = [&]<class T>(T) {
      out = map<T, uint8_t>(context, a, b, DType::kBool, [](T x, T y) -> uint8_t {
        switch (kOp) {
          case Comparison::kGreater:
            return x > y;
          case Comparison::kGreaterOrEqual:
            return x >= y;
          case Comparison::kLess:
            return x < y;
          case Comparison::kLessOrEqual:
            return x <= y;
          case Comparison::kEqual:
            return x == y;
          case Comparison::kAnd:
            return x != T(0) && y != T(0);
          default:
            return x != T(0) || y != T(0);
        }
      });
    };
    if (a.dtype() == DType::kBool)
      compare(uint8_t{});
    else if (!for_number_type(a.dtype(), compare))
      refuse("numbers", to_string(a.dtype()));
    return {out};
  }
};

class WhereOp final : public BroadcastOp {
 public:
  explicit WhereOp(const NodeView& node) : BroadcastOp(node) { node.expect_counts(3, 3); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &condition = in.at(0), &a = in.at(1), &b = in.at(2);
    expect_dtype(condition, DType::kBool);
    if (a.dtype() != b.dtype())
      refuse("tensors of one type", to_string(a.dtype()) + " and " + to_string(b.dtype()));
    bool fits = true;
    const Dims dims = broadcast(condition.dims(), shape_of(a, b), fits);
    expect(fits, "sizes that broadcast",
           to_string(condition.dims()) + " and " + to_string(a.dims()));
    Tensor out = context.make(a.dtype(), dims);
    if (size_of(a.dtype()) == 1) choose<uint8_t>(context, condition, a, b, out);
    if (size_of(a.dtype()) == 4) choose<uint32_t>(context, condition, a, b, out);
    if (size_of(a.dtype()) == 8) choose<uint64_t>(context, condition, a, b, out);
    return {out};
  }

 private:
  template <class T>
  static void choose(const RunContext& context, const Tensor& condition, const Tensor& a,
                     const Tensor& b, Tensor& out) {
    const Dims& dims = out.dims();
    for_each_row(context, dims,
                 {contiguous_strides(dims), broadcast_strides(condition.dims(), dims),
                  broadcast_strides(a.dims(), dims), broadcast_strides(b.dims(), dims)},
                 [&](const Dims& at, const Dims& strides, int64_t n) {
                   const auto* c = condition.as<uint8_t>() + at[1];
                   const T *x = a.as<T>() + at[2], *y = b.as<T>() + at[3];
                   T* z = out.as<T>() + at[0];
                   for (int64_t i = 0; i < n; ++i)
                     z[i * strides[0]] =
                         c[i * strides[1]] != 0 ? x[i * strides[2]] : y[i * strides[3]];
                 });
  }
};

}  // namespace

Tensor add_tensors(const RunContext& context, const Tensor& a, const Tensor& b,
                   const std::string& where) {
  bool fits = true;
  const Dims dims = broadcast(a.dims(), b.dims(), fits);
  if (!fits || b.dtype() != DType::kFloat)
    throw DataError(
        "runner",
        "expected sizes that broadcast, got " + to_string(a.dims()) + " and " + to_string(b.dims()),
        where);
  Tensor out = context.make(DType::kFloat, dims);
  for_each_row(context, dims,
               {contiguous_strides(dims), broadcast_strides(a.dims(), dims),
                broadcast_strides(b.dims(), dims)},
               [&](const Dims& at, const Dims& strides, int64_t n) {
                 context.kernels.binary(Arithmetic::kAdd, a.as<float>() + at[1], strides[1],
                                        b.as<float>() + at[2], strides[2], out.as<float>() + at[0],
                                        n);
               });
  return out;
}

void add_elementwise_ops(OpTable& table) {
  table.insert({{"Add", make_op<ArithmeticOp<Arithmetic::kAdd>>},
                {"Sub", make_op<ArithmeticOp<Arithmetic::kSub>>},
                {"Mul", make_op<ArithmeticOp<Arithmetic::kMul>>},
                {"Div", make_op<ArithmeticOp<Arithmetic::kDiv>>},
                {"Max", make_op<ArithmeticOp<Arithmetic::kMax>>},
                {"Min", make_op<ArithmeticOp<Arithmetic::kMin>>},
                {"Pow", make_op<PowOp>},
                {"Greater", make_op<CompareOp<Comparison::kGreater>>},
                {"GreaterOrEqual", make_op<CompareOp<Comparison::kGreaterOrEqual>>},
                {"Less", make_op<CompareOp<Comparison::kLess>>},
                {"LessOrEqual", make_op<CompareOp<Comparison::kLessOrEqual>>},
                {"Equal", make_op<CompareOp<Comparison::kEqual>>},
                {"And", make_op<CompareOp<Comparison::kAnd>>},
                {"Or", make_op<CompareOp<Comparison::kOr>>},
                {"Where", make_op<WhereOp>}});
}

}  // namespace braid::runner
