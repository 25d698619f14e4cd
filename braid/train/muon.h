// Muon: momentum orthogonalized by Newton-Schulz iterations, for matrices and convolutions.
//
// Source: Keller Jordan, https://kellerjordan.github.io/posts/muon/; the size of an update as in
// Liu et al., https://arxiv.org/abs/2502.16982. Reference: timm's muon.py (Apache-2.0), its "muon"
// and "nmuon"; same routing, same arithmetic. Differences: in a float32 run on the CPU the
// iterations run in float32, where the reference always runs them in bfloat16; and embeddings are
// AdamW's, as its author has them: orthogonalized, the noise of the many words that a step hardly
// sees is as large as what it says of the others.
#pragma once
#include <string>
#include <vector>

#include "braid/train/optimizer.h"

namespace braid::train {

struct MuonOptions {
  double momentum = 0.95;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.95;  // of what AdamW trains
  double eps = 1e-7;
  bool bfloat16 = false;  // the iterations
};

// Whether Muon trains a parameter of this shape that is no embedding; AdamW trains what has fewer
// than two dimensions above one, or a first or second one of one (positions, depthwise
// convolutions), or is too thin.
bool suits_muon(at::IntArrayRef shape);

// The orthogonal factor of a matrix [m,n], nearly: its singular values come out between 0.7 and
// 1.2.
// bfloat16: iterate in it, as always on other devices than the CPU, where the matrix is large
// enough.
torch::Tensor orthogonalize(const torch::Tensor& matrix, double eps, bool bfloat16 = false);

class Muon final : public Optimizer {
 public:
  // Splits each group into what Muon trains and what AdamW trains (NAdamW with nesterov).
  Muon(const std::vector<ParamGroup>& groups, const MuonOptions& options);

 private:
  std::vector<std::string> state_names(const ParamGroup& group) const override;
  void update(Slice& slice) override;
  void update_orthogonal(Slice& slice) const;
  void update_elementwise(Slice& slice) const;

  MuonOptions options_;
};

}  // namespace braid::train
