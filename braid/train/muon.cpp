#include "braid/train/muon.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

namespace braid::train {
namespace {

// Coefficients a, b, c of X <- aX + bAX + cA^2X with A = XX^T, one row per iteration; the
// reference's "quintic".
constexpr double kQuintic[][3] = {{4.0848, -6.8946, 2.9270},
                                  {3.9505, -6.3029, 2.6377},
                                  {3.7418, -5.5913, 2.3037},
                                  {2.8769, -3.1427, 1.2046},
                                  {2.8366, -3.0525, 1.2012}};

// Multiplications of a product on the CPU: LibTorch's smaller ones are no faster in bfloat16.
constexpr int64_t kLeastProduct = 1 << 22;
constexpr int64_t kLargestOfAThread = 1 << 20;  // numbers of a matrix; larger ones are a team's

// Kernels as rows: [O,C,h,w] -> [O,Chw].
torch::Tensor as_matrix(const torch::Tensor& x) { return x.reshape({x.size(0), -1}); }

// work(i) for every matrix, each by one thread, the largest first: products of matrices this small
// are not worth a team each. On other devices one after another.
template <class Work>
void each_on_a_thread(const std::vector<torch::Tensor>& matrices, const Work& work) {
  std::vector<size_t> order(matrices.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return matrices[a].numel() > matrices[b].numel(); });
  const bool on_cpu = std::all_of(matrices.begin(), matrices.end(), [](const auto& m) {
    return m.is_cpu() && m.numel() <= kLargestOfAThread;
  });
  if (!on_cpu) {
    std::for_each(order.begin(), order.end(), work);
    return;
  }
  std::atomic<size_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), std::ssize(order)), 1,
                   [&](int64_t first, int64_t last) {
                     const torch::NoGradGuard no_grad;
                     for (int64_t thread = first; thread < last; ++thread)
                       for (size_t i = next++; i < order.size(); i = next++) work(order[i]);
                   });
}

std::vector<ParamGroup> split(const std::vector<ParamGroup>& groups) {
  std::vector<ParamGroup> parts;
  for (const auto& group : groups)
    for (const bool orthogonal : {true, false}) {
      ParamGroup part = group;
      part.names.clear();
      part.params.clear();
      part.orthogonal = orthogonal;
      for (size_t i = 0; i < group.params.size(); ++i)
        if ((suits_muon(group.params[i].sizes()) && !group.tables.contains(group.names[i])) ==
            orthogonal) {
          part.names.push_back(group.names[i]);
          part.params.push_back(group.params[i]);
        }
      if (!part.params.empty()) parts.push_back(std::move(part));
    }
  return parts;
}

}  // namespace

bool suits_muon(at::IntArrayRef shape) {
  constexpr int64_t kLeastSide = 4;
  constexpr double kMostAspect = 128;
  const auto wide = std::count_if(shape.begin(), shape.end(), [](int64_t n) { return n > 1; });
  if (wide < 2 || shape[0] == 1 || shape[1] == 1) return false;
  int64_t columns = 1;
  for (const int64_t n : shape.slice(1)) columns *= n;
  const auto [least, most] = std::minmax(shape[0], columns);
  return least >= kLeastSide &&
         static_cast<double>(most) / static_cast<double>(least) <= kMostAspect;
}

torch::Tensor orthogonalize(const torch::Tensor& matrix, double eps, bool bfloat16) {
  const bool tall = matrix.size(0) > matrix.size(1);
  const int64_t products = std::min(matrix.size(0), matrix.size(1)) * matrix.numel();
  const bool narrow = matrix.is_cuda() || (bfloat16 && products >= kLeastProduct);
  auto x = matrix.to(narrow ? torch::kBFloat16 : matrix.scalar_type());
  if (tall) x = x.t();
  x = (x / x.norm().clamp_min(eps)).contiguous();
  for (const auto& [a, b, c] : kQuintic) {
    const auto gram = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, b, c), x, a, 1);
  }
  return tall ? x.t() : x;
}

Muon::Muon(const std::vector<ParamGroup>& groups, const MuonOptions& options)
    : Optimizer(split(groups)), options_(options) {}

std::vector<std::string> Muon::state_names(const ParamGroup& group) const {
  if (group.orthogonal) return {"momentum_buffer"};
  return {"exp_avg", "exp_avg_sq", "step"};
}

void Muon::update(Slice& slice) {
  slice.group.orthogonal ? update_orthogonal(slice) : update_elementwise(slice);
}

void Muon::update_orthogonal(Slice& s) const {
  std::vector<torch::Tensor> matrices, updates(s.params.size());
  for (size_t i = 0; i < s.params.size(); ++i) {
    auto &g = s.grads[i], &momentum = s.state[0][i];
    momentum.lerp_(g, 1 - options_.momentum);
    matrices.push_back(
        as_matrix(options_.nesterov ? g.lerp(momentum, options_.momentum) : momentum));
  }
  each_on_a_thread(matrices, [&](size_t i) {
    updates[i] = orthogonalize(matrices[i], options_.eps, options_.bfloat16);
  });
  for (size_t i = 0; i < s.params.size(); ++i) {
    const auto& update = updates[i];
    // Root mean square of AdamW's updates, so that both share a learning rate.
    const double scale =
        0.2 * std::sqrt(static_cast<double>(std::max(update.size(0), update.size(1))));
    s.params[i].mul_(1 - s.lr * s.group.weight_decay);
    s.params[i].add_(update.reshape(s.params[i].sizes()), -s.lr * scale);
  }
}

void Muon::update_elementwise(Slice& s) const {
  const auto [beta1, beta2] = std::pair(options_.beta1, options_.beta2);
  at::_foreach_add_(s.state[2], 1);
  if (!options_.nesterov) {
    at::_fused_adamw_(s.params, s.grads, s.state[0], s.state[1], {}, s.state[2], s.lr, beta1, beta2,
                      s.group.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
    return;
  }
  std::vector<at::Scalar> roots, step_sizes;          // of the bias corrections, per parameter
  const auto steps = torch::stack(s.state[2]).cpu();  // one wait for a GPU instead of many
  for (int64_t i = 0; i < steps.size(0); ++i) {
    const double t = steps[i].item<double>();
    roots.emplace_back(std::sqrt(1 - std::pow(beta2, t)));
    step_sizes.emplace_back(-s.lr / (1 - std::pow(beta1, t)));
  }
  at::_foreach_mul_(s.params, 1 - s.lr * s.group.weight_decay);
  at::_foreach_lerp_(s.state[0], s.grads, 1 - beta1);
  at::_foreach_mul_(s.state[1], beta2);
  at::_foreach_addcmul_(s.state[1], s.grads, s.grads, 1 - beta2);
  auto denominators = at::_foreach_sqrt(s.state[1]);
  at::_foreach_div_(denominators, roots);
  at::_foreach_add_(denominators, options_.eps);
  at::_foreach_addcdiv_(s.params, at::_foreach_lerp(s.state[0], s.grads, 1 - beta1), denominators,
                        step_sizes);
}

}  // namespace braid::train
