// Explains what a classifier makes of images, by any method.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/explain/explainable_graph.h"
#include "braid/explain/explanation.h"
#include "braid/explain/method_result.h"
#include "braid/explain/output.h"
#include "braid/io/image.h"
#include "braid/tasks/predictor.h"

namespace braid::explain {

class ImageExplainer {
 public:
  // Throws DataError where the model cannot be captured, ConfigError for an unknown device.
  // Where no method is named it is Grad-CAM, or occlusion for a model whose last layer has a grid
  // of less than 7 x 7 cells or none.
  ImageExplainer(models::LoadedModel loaded, const ExplainConfig& config,
                 const std::string& device);

  ImageExplanation explain(const std::string& file, const io::Image& image, Output& output) const;
  const std::vector<std::string>& methods() const { return methods_; }
  // Of all images that were explained so far, at least one.
  FieldExplanation receptive_field(Output& output) const;

  // One result but for attention, which has one per layer. explained: the model's, or the same with
  // other weights; image: [1,C,H,W].
  std::vector<MethodResult> results(const ExplainableGraph& explained, const std::string& method,
                                    const torch::Tensor& image, int64_t target) const;
  const ExplainableGraph& explained() const { return explained_; }
  torch::Tensor input_of(const io::Image& image) const;  // [1,C,H,W]
  // [K] of [1,C,H,W], on the CPU. Throws DataError where they are not finite.
  torch::Tensor probabilities(const torch::Tensor& image) const;
  const tasks::Predictor& predictor() const { return predictor_; }
  // [1,C,H,W] each, of all that were explained.
  const std::vector<torch::Tensor>& seen() const { return seen_; }

 private:
  std::string class_name(int64_t index) const { return predictor_.class_name(index); }

  ExplainConfig config_;
  tasks::Predictor predictor_;
  ExplainableGraph explained_;
  std::vector<std::string> methods_;
  mutable std::vector<torch::Tensor> seen_;  // images, for the receptive field
};

}  // namespace braid::explain
