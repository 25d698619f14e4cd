#include "braid/ops/short_attention.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <vector>

#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

// Heads of [B,h,N,d], whose channels lie one after another.
struct Heads {
  explicit Heads(const Tensor& t)
      : heads(t.size(1)),
        batch_stride(t.stride(0)),
        head_stride(t.stride(1)),
        row(t.stride(2)),
        bytes(t.element_size()) {}
  int64_t at(int64_t i) const {  // bytes before the i-th head
    return (i / heads * batch_stride + i % heads * head_stride) * bytes;
  }
  HeadRows read(const Tensor& t, int64_t i) const {
    return {static_cast<const char*>(t.const_data_ptr()) + at(i), row};
  }
  HeadRowsOut write(const Tensor& t, int64_t i) const {
    return {static_cast<char*>(t.mutable_data_ptr()) + at(i), row};
  }

  int64_t heads, batch_stride, head_stride, row, bytes;
};

HeadShape head_shape(const Tensor& q, const Tensor& v, double scale) {
  return {.queries = q.size(2),
          .keys = v.size(2),
          .key_dim = q.size(3),
          .value_dim = v.size(3),
          .scale = static_cast<float>(scale),
          .bfloat16 = q.scalar_type() == at::kBFloat16};
}

// A bias as [1 or B, 1 or h, N, M].
Tensor four_dims(const Tensor& bias, int64_t queries, int64_t keys) {
  Tensor whole = bias;
  while (whole.dim() < 4) whole = whole.unsqueeze(0);
  return whole.expand({whole.size(0), whole.size(1), queries, keys});
}

// work(task, first head, last head): about as many heads for each thread.
template <class Work>
void over_heads(int64_t heads, int64_t tasks, const Work& work) {
  at::parallel_for(0, tasks, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task)
      work(task, heads * task / tasks, heads * (task + 1) / tasks);
  });
}
int64_t head_tasks(int64_t heads) {
  return std::min(heads, static_cast<int64_t>(at::get_num_threads()));
}

// y and the weights, transposed: [B,h,M,padded N].
std::tuple<Tensor, Tensor> short_attention_forward(const Tensor& q, const Tensor& k,
                                                   const Tensor& v,
                                                   const std::optional<Tensor>& bias,
                                                   double scale) {
  const HeadShape shape = head_shape(q, v, scale);
  const int64_t B = q.size(0), h = q.size(1), N = shape.queries, M = shape.keys;
  Tensor y = at::empty({B, N, h, shape.value_dim}, q.options()).transpose(1, 2);
  Tensor weights = at::empty({B, h, M, padded_queries(N)}, q.options());
  Tensor turned;  // [1 or B, 1 or h, M, N]
  if (bias) turned = four_dims(*bias, N, M).transpose(2, 3).to(at::kFloat).contiguous();
  const Heads in_q(q), in_k(k), in_v(v), in_y(y), in_weights(weights);
  const auto bias_of = [&](int64_t i) -> const float* {
    if (!bias) return nullptr;
    const int64_t of_batch = turned.size(0) == 1 ? 0 : i / h;
    const int64_t of_head = turned.size(1) == 1 ? 0 : i % h;
    return turned.const_data_ptr<float>() + (of_batch * turned.size(1) + of_head) * M * N;
  };
  const auto& kernels = token_kernels();
  over_heads(B * h, head_tasks(B * h), [&](int64_t, int64_t first, int64_t last) {
    const Tensor scratch = at::empty({scratch_of(shape)}, at::kFloat);
    for (int64_t i = first; i < last; ++i)
      kernels.attention(shape, in_q.read(q, i), in_k.read(k, i), in_v.read(v, i), bias_of(i),
                        in_y.write(y, i), in_weights.write(weights, i).first,
                        scratch.mutable_data_ptr<float>());
  });
  return {y, weights};
}

// Writes the gradients of q, k and v; gives that of the bias, [1 or B,h,N,M], `biases` the first of
// these sizes, 0: none.
Tensor short_attention_backward(const Tensor& dy, const Tensor& q, const Tensor& k, const Tensor& v,
                                const Tensor& weights, const Tensor& dq, const Tensor& dk,
                                const Tensor& dv, double scale, int64_t biases) {
  const HeadShape shape = head_shape(q, v, scale);
  const int64_t B = q.size(0), h = q.size(1), N = shape.queries, M = shape.keys;
  const int64_t tasks = head_tasks(B * h);
  // One bias for the whole batch: a sum of each task.
  const bool shared = biases == 1;
  Tensor dbias;
  if (biases > 0) dbias = at::zeros({shared ? tasks : B, h, M, N}, at::kFloat);
  const Heads in_dy(dy), in_q(q), in_k(k), in_v(v), in_weights(weights), in_dq(dq), in_dk(dk),
      in_dv(dv);
  const auto& kernels = token_kernels();
  over_heads(B * h, tasks, [&](int64_t task, int64_t first, int64_t last) {
    const Tensor scratch = at::empty({scratch_of(shape)}, at::kFloat);
    for (int64_t i = first; i < last; ++i) {
      float* sum = nullptr;
      if (biases > 0)
        sum = dbias.mutable_data_ptr<float>() + (shared ? task * h + i % h : i) * M * N;
      kernels.attention_backward(shape, in_dy.read(dy, i), in_q.read(q, i), in_k.read(k, i),
                                 in_v.read(v, i), in_weights.read(weights, i).first,
                                 in_dq.write(dq, i), in_dk.write(dk, i), in_dv.write(dv, i), sum,
                                 scratch.mutable_data_ptr<float>());
    }
  });
  if (biases == 0) return {};
  if (shared) dbias = dbias.sum(0, /*keepdim=*/true);
  return dbias.transpose(2, 3);
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "short_attention(Tensor q, Tensor k, Tensor v, Tensor? bias, float scale) -> (Tensor, "
      "Tensor)",
      short_attention_forward);
  library.def(
      "short_attention_backward(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor weights, "
      "Tensor(a!) dq, Tensor(b!) dk, Tensor(c!) dv, float scale, int biases) -> Tensor",
      short_attention_backward);
}

std::tuple<Tensor, Tensor> run_forward(const Tensor& q, const Tensor& k, const Tensor& v,
                                       const std::optional<Tensor>& bias, double scale) {
  static const auto op =
      operator_named<decltype(short_attention_forward)>("braid::short_attention");
  return op.call(q, k, v, bias, scale);
}

// What backward keeps of a bias: its type and sizes.
void remember_bias(torch::autograd::AutogradContext* context, const std::optional<Tensor>& bias) {
  if (!bias) return;
  context->saved_data["bias_sizes"] = bias->sizes().vec();
  context->saved_data["bias_type"] = static_cast<int64_t>(bias->scalar_type());
}

// The gradient of the bias, or none.
Tensor run_backward(torch::autograd::AutogradContext* context, const Tensor& gradient,
                    const std::array<Tensor, 3>& qkv, const Tensor& weights,
                    const std::array<Tensor, 3>& gradients, bool of_bias) {
  check_first_derivative("fused attention", "composed_short_attention");
  static const auto op =
      operator_named<decltype(short_attention_backward)>("braid::short_attention_backward");
  Tensor dy = gradient.to(qkv[0].scalar_type());
  if (dy.stride(3) != 1) dy = dy.contiguous();
  std::vector<int64_t> sizes;
  int64_t biases = 0;
  if (of_bias) {
    sizes = context->saved_data["bias_sizes"].toIntVector();
    biases = sizes.size() == 4 ? sizes[0] : 1;
  }
  const Tensor dbias = op.call(dy, qkv[0], qkv[1], qkv[2], weights, gradients[0], gradients[1],
                               gradients[2], context->saved_data["scale"].toDouble(), biases);
  if (!of_bias) return {};
  const auto type = static_cast<at::ScalarType>(context->saved_data["bias_type"].toInt());
  return at::sum_to(dbias, sizes).to(type);
}

struct FusedShortAttention : torch::autograd::Function<FusedShortAttention> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& q, const Tensor& k,
                        const Tensor& v, const std::optional<Tensor>& bias, double scale) {
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [y, weights] = run_forward(q, k, v, bias, scale);
    context->save_for_backward({q, k, v, weights});
    context->saved_data["scale"] = scale;
    remember_bias(context, bias);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::AutoDispatchBelowADInplaceOrView below;
    std::array<Tensor, 3> given;
    for (size_t i = 0; i < 3; ++i) given[i] = at::empty_like(saved[i]);  // as the projection lies
    const Tensor dbias =
        run_backward(context, gradients[0], {saved[0], saved[1], saved[2]}, saved[3], given,
                     context->saved_data.count("bias_sizes") > 0 && context->needs_input_grad(3));
    return {given[0], given[1], given[2], dbias, {}};
  }
};

std::array<Tensor, 3> parts_of(const Tensor& joint, const JointHeads& how) {
  const int64_t B = joint.size(0), N = joint.size(1), d = joint.size(2) / (3 * how.heads);
  std::array<Tensor, 3> parts;
  for (int64_t i = 0; i < 3; ++i)
    parts[static_cast<size_t>(i)] =
        joint.as_strided({B, how.heads, N, d}, {joint.stride(0), how.head, joint.stride(1), 1},
                         joint.storage_offset() + i * how.part);
  return parts;
}

struct FusedShortSelfAttention : torch::autograd::Function<FusedShortSelfAttention> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& joint,
                        const JointHeads& how, const std::optional<Tensor>& bias, double scale) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [q, k, v] = parts_of(joint, how);
    auto [y, weights] = run_forward(q, k, v, bias, scale);
    context->save_for_backward({joint, weights});
    context->saved_data["scale"] = scale;
    context->saved_data["how"] = std::vector<int64_t>{how.heads, how.part, how.head};
    remember_bias(context, bias);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto layout = context->saved_data["how"].toIntVector();
    const JointHeads how{layout[0], layout[1], layout[2]};
    const at::AutoDispatchBelowADInplaceOrView below;
    const Tensor djoint = at::empty(saved[0].sizes(), saved[0].options());
    const Tensor dbias = run_backward(
        context, gradients[0], parts_of(saved[0], how), saved[1], parts_of(djoint, how),
        context->saved_data.count("bias_sizes") > 0 && context->needs_input_grad(1));
    return {djoint, {}, dbias, {}};
  }
};

}  // namespace

bool is_short_attention_fused(const Tensor& q, const Tensor& k, const Tensor& v,
                              const Tensor& bias) {
  const auto fits = [&](const Tensor& t) {
    return t.is_cpu() && t.dim() == 4 && t.numel() > 0 && t.scalar_type() == q.scalar_type() &&
           t.stride(3) == 1 && t.size(2) <= kMostShortTokens && t.size(3) <= kMostShortChannels &&
           t.size(0) == q.size(0) && t.size(1) == q.size(1);
  };
  const bool known_bias = !bias.defined() || (bias.is_cpu() && bias.is_floating_point() &&
                                              bias.dim() <= 4 && bias.numel() > 0);
  return (q.scalar_type() == at::kFloat || q.scalar_type() == at::kBFloat16) && fits(q) &&
         fits(k) && fits(v) && known_bias;
}

Tensor composed_short_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                const Tensor& bias, double scale) {
  auto scores = at::matmul(q * scale, k.transpose(2, 3));  // [B,h,N,M]
  if (bias.defined()) scores = scores + bias.to(q.scalar_type());
  return at::matmul(scores.softmax(-1), v);
}

Tensor short_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias,
                       double scale) {
  if (!is_short_attention_fused(q, k, v, bias))
    return composed_short_attention(q, k, v, bias, scale);
  return FusedShortAttention::apply(q, k, v, where_defined(bias), scale);
}

Tensor short_self_attention(const Tensor& joint, const JointHeads& how, const Tensor& bias,
                            double scale) {
  const auto is_fused = [&] {
    const torch::NoGradGuard no_grad;
    const auto [q, k, v] = parts_of(joint, how);
    return joint.is_contiguous() && is_short_attention_fused(q, k, v, bias);
  };
  if (is_fused()) return FusedShortSelfAttention::apply(joint, how, where_defined(bias), scale);
  const auto [q, k, v] = parts_of(joint, how);
  return composed_short_attention(q, k, v, bias, scale);
}

}  // namespace braid::ops
