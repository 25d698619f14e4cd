#include "braid/explain/exported_image_explainer.h"

#include <cstring>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/name_at.h"
#include "braid/explain/class_index.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/text_occlusion.h"
#include "braid/runner/labels.h"

namespace braid::explain {

using torch::Tensor;

ExportedImageExplainer::ExportedImageExplainer(std::unique_ptr<runner::Session> session,
                                               const ExplainConfig& config)
    : config_(config),
      session_(std::move(session)),
      input_(*session_),
      classes_(runner::label_names(*session_)),
      several_labels_(runner::has_several_labels(*session_)) {
  if (input_.in_graph())
    throw DataError("explain", "expected a model of prepared images, got one that prepares them",
                    session_->where(), "export it without --with-preprocessing");
}

Tensor ExportedImageExplainer::logits(const Tensor& images) const {
  const auto plain = images.to(torch::kFloat).contiguous();
  auto input = session_->make(runner::DType::kFloat, plain.sizes().vec());
  std::memcpy(input.raw(), plain.const_data_ptr(), input.byte_size());
  const auto outputs = session_->run({{session_->inputs().at(0).name, input}});
  const auto& given = runner::logits_among(*session_, outputs, images.size(0), "images");
  auto rows = torch::empty({given.dim(0), given.dim(1)});
  std::memcpy(rows.mutable_data_ptr(), given.raw(), given.byte_size());
  if (!rows.isfinite().all().item<bool>())
    throw DataError("explain", "the model's output is not finite", session_->where());
  return rows;
}

ExportedImageExplainer::Found ExportedImageExplainer::find(const io::Image& image) const {
  const torch::NoGradGuard no_grad;
  auto shape = input_.shape();
  shape.insert(shape.begin(), 1);
  auto x = torch::empty(shape);
  auto shown = input_.view(image);
  input_.write_view(shown, x.mutable_data_ptr<float>());
  const Classify classify = [this](const Tensor& images) { return logits(images); };
  const auto row = classify(x)[0];
  const auto probabilities = several_labels_ ? row.sigmoid() : row.softmax(0);
  const auto likeliest = row.argmax().item<int64_t>();
  const auto index =
      config_.target ? class_index(*config_.target, classes_, row.size(0)) : likeliest;
  return {.shown = std::move(shown),
          .index = index,
          .likeliest = likeliest,
          .probability = probabilities[index].item<double>(),
          .result = occlusion_result(classify, x, index, config_)};
}

ImageExplanation ExportedImageExplainer::explain(const std::string& file, const io::Image& image,
                                                 Output& output) {
  const auto found = find(image);
  const auto name = picture_name(++explained_, file);
  ImageExplanation e;
  e.file = file;
  e.target = name_at(classes_, found.index);
  e.predicted = name_at(classes_, found.likeliest);
  e.index = found.index;
  e.probability = found.probability;
  e.picture = output.add_picture(name + ".png", enlarged(found.shown));
  e.maps.push_back(add_map(output, name + "-" + kOcclusion, found.shown, kOcclusion, found.result));
  return e;
}

}  // namespace braid::explain
