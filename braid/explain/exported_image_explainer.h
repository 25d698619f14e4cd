// Explains what an exported file, of float32 or in 8 bits, makes of images.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/explain/method_result.h"
#include "braid/explain/output.h"
#include "braid/io/image.h"
#include "braid/runner/image_input.h"
#include "braid/runner/session.h"

namespace braid::explain {

// Occlusion of one square after the other.
class ExportedImageExplainer {
 public:
  // session: open_exported()'s. Throws DataError for a file that is no classifier of images, and
  // for one whose graph prepares them: what is hidden must be hidden behind that.
  ExportedImageExplainer(std::unique_ptr<runner::Session> session, const ExplainConfig& config);

  // Throws DataError for logits that are not finite, UsageError for a class that the model does not
  // have.
  ImageExplanation explain(const std::string& file, const io::Image& image, Output& output);

  struct Found {
    io::Image shown;  // what the model sees
    int64_t index = 0, likeliest = 0;
    double probability = 0;  // of index
    MethodResult result;
  };
  // Of the config's class, else the likeliest.
  Found find(const io::Image& image) const;

 private:
  torch::Tensor logits(const torch::Tensor& images) const;  // [B,C,H,W] -> [B,K]

  ExplainConfig config_;
  std::unique_ptr<runner::Session> session_;
  runner::ImageInput input_;
  std::vector<std::string> classes_;
  bool several_labels_;
  size_t explained_ = 0;  // images, so far
};

}  // namespace braid::explain
