#include "braid/serve/torch/exported_image_explainer.h"

#include <optional>

#include "braid/explain/exported_image_explainer.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/text_occlusion.h"
#include "braid/io/image.h"
#include "braid/serve/onnx/exported_file.h"
#include "braid/serve/people_input.h"

namespace braid::serve {
namespace {

class ExportedImageExplainer final : public Explainer {
 public:
  ExportedImageExplainer(const std::string& file, const ModelOptions& options)
      : file_(file, options.threads), options_(options) {}

  Explanation explain(const Tensor& input) override {
    const auto image = image_of(input, 0, options_.max_pixels);
    if (!explainer_) explainer_.emplace(file_.open(), explain::ExplainConfig{});
    const auto found = explainer_->find(image);
    return {.method = explain::kOcclusion,
            .class_index = found.index,
            .probability = found.probability,
            .picture = io::encode_png(explain::enlarged(found.shown)),
            .overlay = io::encode_png(explain::overlay(found.shown, found.result.map))};
  }

 private:
  const ExportedFile file_;
  const ModelOptions options_;
  std::optional<explain::ExportedImageExplainer> explainer_;
};

}  // namespace

std::unique_ptr<Explainer> explain_exported_images(const std::string& file,
                                                   const ModelOptions& options) {
  return std::make_unique<ExportedImageExplainer>(file, options);
}

}  // namespace braid::serve
