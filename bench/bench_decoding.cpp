// What a decoder computes that writes word by word: LibTorch's operators against braid's, taking
// turns. Products of a few rows with matrices that come from memory, attention over listed keys,
// log-probabilities of a vocabulary. Prints medians in ms and what braid's read in GB/s.
//
// Arguments: seconds for each line (0.5), threads (all).
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "bench/operators.h"
#include "braid/ops/few_rows_linear.h"
#include "braid/ops/int8_linear.h"
#include "braid/ops/listed_attention.h"
#include "braid/ops/log_softmax.h"
#include "braid/ops/operator_named.h"

namespace {

using torch::Tensor;

using OwnProduct = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                          at::ScalarType);

const char* type_name(at::ScalarType type) { return type == at::kFloat ? "float32" : "bfloat16"; }

void compare(const std::string& name, const std::function<void()>& torchs,
             const std::function<void()>& own, double bytes, double seconds) {
  const auto t = braid::bench::alternate({torchs, own}, seconds);
  fmt::print("{:<44} {:8.3f} {:8.3f} {:6.2f} {:6.1f}\n", name, t[0] * 1e3, t[1] * 1e3, t[0] / t[1],
             bytes / t[1] * 1e-9);
  std::fflush(stdout);
}

// Of as many matrices as a decoder has, which no cache of a core holds.
void products(int64_t rows, int64_t in, int64_t out, at::ScalarType type, double seconds) {
  std::vector<Tensor> matrices;
  for (int i = 0; i < 24; ++i) matrices.push_back(torch::randn({out, in}).to(type));
  const auto x = torch::randn({rows, in}), bias = torch::randn({out});
  const auto all = [&](auto op) {
    return [&, op] {
      for (const auto& matrix : matrices) op(x, matrix, bias, type);
    };
  };
  // The operator itself, also where few_rows_linear would leave the rows to LibTorch.
  const auto own = braid::ops::operator_named<OwnProduct>("braid::few_rows_linear");
  compare(fmt::format("24 products {}x{} -> {} {}", rows, in, out, type_name(type)),
          all(braid::ops::composed_few_rows_linear),
          all([&](const auto&... args) { return own.call(args...); }),
          static_cast<double>(matrices.size()) * static_cast<double>(matrices[0].nbytes()),
          seconds);
}

// By LibTorch with the float weights in `type`.
void int8_products(int64_t rows, int64_t in, int64_t out, at::ScalarType type, double seconds) {
  std::vector<Tensor> matrices;
  std::vector<braid::ops::Int8Matrix> rounded;
  for (int i = 0; i < 24; ++i) {
    matrices.push_back(torch::randn({out, in}).to(type));
    rounded.push_back(braid::ops::to_int8(matrices.back()));
  }
  const auto x = torch::randn({rows, in}), bias = torch::randn({out});
  compare(
      fmt::format("24 products {}x{} -> {} int8, {}", rows, in, out, type_name(type)),
      [&] {
        for (const auto& matrix : matrices)
          braid::ops::composed_few_rows_linear(x, matrix, bias, type);
      },
      [&] {
        for (const auto& matrix : rounded) braid::ops::int8_linear(x, matrix, bias, type);
      },
      static_cast<double>(rounded.size()) * static_cast<double>(rounded[0].packed.nbytes()),
      seconds);
}

void attentions(int64_t queries, int64_t keys, at::ScalarType type, double seconds) {
  constexpr int64_t kHeads = 8, kDim = 64;
  const auto rows = [&](int64_t count) { return torch::randn({count, kHeads * kDim}).to(type); };
  const auto q = rows(queries);
  const braid::ops::ListedKeys listed{rows(queries * keys), rows(queries * keys),
                                      torch::randint(queries * keys, {queries, keys})};
  compare(
      fmt::format("attention {} queries, {} keys {}", queries, keys, type_name(type)),
      [&] { braid::ops::composed_listed_attention(q, listed, kHeads, 0.125); },
      [&] { braid::ops::listed_attention(q, listed, kHeads, 0.125); },
      2 * static_cast<double>(listed.keys.nbytes()), seconds);
}

void log_softmaxes(int64_t rows, at::ScalarType type, double seconds) {
  const auto logits = torch::randn({rows, 16000}).to(type);
  compare(
      fmt::format("log softmax {}x16000 {}", rows, type_name(type)),
      [&] { braid::ops::composed_log_softmax(logits); }, [&] { braid::ops::log_softmax(logits); },
      static_cast<double>(logits.nbytes()) + static_cast<double>(4 * logits.numel()), seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::stod(argv[1]) : 0.5;
  if (argc > 2) at::set_num_threads(std::stoi(argv[2]));
  const torch::NoGradGuard no_grad;
  fmt::print("{:<44} {:>8} {:>8} {:>6} {:>6}\n", "", "torch ms", "own ms", "ratio", "GB/s");
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {1, 4, 8, 12, 24, 32, 48}) products(rows, 512, 2048, type, seconds);
    products(4, 512, 512, type, seconds);
    products(4, 2048, 512, type, seconds);
    for (const int64_t rows : {1, 4, 8, 12, 24, 32}) int8_products(rows, 512, 2048, type, seconds);
    for (const int64_t queries : {4, 256}) attentions(queries, 32, type, seconds);
    for (const int64_t rows : {4, 256}) log_softmaxes(rows, type, seconds);
  }
  return 0;
}
