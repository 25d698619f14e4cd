// How far a graph's predictions are from those of the float graph that it was made of.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "braid/graph/graph.h"

namespace braid::compress {

// Images that are prepared for the model, [B,C,H,W] a batch.
struct Samples {
  std::vector<torch::Tensor> images;
  std::vector<torch::Tensor> labels;  // [B] int64 a batch; empty: none are known
  int64_t count() const;
};

struct Quality {
  double kl = 0;               // mean KL divergence of the float graph's classes, nats
  double error = 0;            // mean squared error of the logits over their variance
  double agreement = 100;      // percent of the images with the same first class
  std::optional<double> top1;  // percent, where labels are known
};

// Compares graphs of classifiers with one of them, on the same samples.
class Judge {
 public:
  // Throws DataError where the reference's logits are not finite.
  Judge(const graph::Graph& reference, Samples samples);

  Quality of(const graph::Graph& graph) const;
  // Percentage points of top-1 that a quality is below the reference's; without labels, of
  // agreement, which bounds them.
  double drop(const Quality& quality) const;
  const Quality& reference() const { return reference_; }
  const Samples& samples() const { return samples_; }
  // The same on the first images alone.
  Judge on_first(int64_t images) const;

 private:
  Judge() = default;
  Samples samples_;
  torch::Tensor logits_, labels_;  // [N,K], [N] or undefined
  Quality reference_;
};

// Logits [N,K] of a graph over the batches.
torch::Tensor logits_of(const graph::Graph& graph, const std::vector<torch::Tensor>& images);
// labels: undefined where none are known.
Quality compare_logits(const torch::Tensor& reference, const torch::Tensor& logits,
                       const torch::Tensor& labels);

// The first images of the batches as one.
torch::Tensor first_images(const std::vector<torch::Tensor>& batches, int64_t count);

}  // namespace braid::compress
