// How far a graph's predictions are from those of the float graph that it was made of.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "braid/compress/samples.h"
#include "braid/graph/graph.h"

namespace braid::compress {

struct Quality {
  // Mean KL divergence of the float graph's classes, nats. Of one logit that of yes and no, by its
  // sigmoid: a softmax over one class is 1 whatever the logit is.
  double kl = 0;
  double error = 0;  // mean squared error of the logits over their variance; of one logit, of all
  double agreement = 100;  // percent of the outputs with the same first class; of one logit, sign
  // Points of top-1 that are lost if the float model's probabilities are right: what it gives to
  // its own class less what it gives to the other's, on average. Needs no labels.
  double expected_drop = 0;
  std::optional<double> top1;  // percent, where labels are known
};

// Compares graphs of classifiers with one of them, on the same samples.
class Judge {
 public:
  // Throws DataError where the reference's logits are not finite.
  Judge(const graph::Graph& reference, Samples samples);

  Quality of(const graph::Graph& graph) const;
  // Percentage points of top-1 that a quality is below the reference's; without labels, or of one
  // logit, those that are expected.
  double drop(const Quality& quality) const;
  // Whether labels are known and tell the outputs apart: of one logit any is right.
  bool labels_decide() const { return labels_.defined() && logits_.front().size(1) > 1; }
  const Quality& reference() const { return reference_; }
  const Samples& samples() const { return samples_; }
  // The outputs [K] that are compared: one of each item, or of each token that is asked for.
  int64_t outputs() const;
  // The same on the first items alone.
  Judge on_first(int64_t items) const;

 private:
  Judge() = default;
  void join_labels();
  Samples samples_;
  std::vector<torch::Tensor> logits_;  // [M,K] a batch
  torch::Tensor labels_;               // [N] of all, or undefined
  Quality reference_;
};

// [N,1], the logit of yes against no, as [N,2]: the softmax of (0, x) is x's sigmoid. Others as
// they are.
torch::Tensor as_classes(const torch::Tensor& logits);
// Of a graph, [M,K] a batch: of each item, or of each token that is asked for.
std::vector<torch::Tensor> logits_of(const graph::Graph& graph, const Samples& samples);
// [N,K]; K = 1 is taken as the logit of yes against no. labels: [N], undefined where none are
// known.
Quality compare_logits(const torch::Tensor& reference, const torch::Tensor& logits,
                       const torch::Tensor& labels);

}  // namespace braid::compress
