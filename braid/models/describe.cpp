#include "braid/models/describe.h"

#include "braid/models/macs.h"
#include "braid/models/vision/composer/braidnet.h"

namespace braid::models {
namespace {

int64_t params_below(const Model& model, const std::vector<std::string>& modules) {
  int64_t count = 0;
  for (const auto& item : model.named_parameters())
    for (const auto& module : modules)
      if (item.key().starts_with(module + ".")) count += item.value().numel();
  return count;
}

std::vector<PartRow> run_parts(BraidNet& model, torch::Tensor x) {
  std::vector<PartRow> rows;
  for (const auto& part : model.parts()) {
    const auto macs = count_macs([&] { x = part.forward(x); });
    const auto modules = part.name == "head" ? std::vector<std::string>{"head_conv", "norm", "head"}
                                             : std::vector<std::string>{part.name};
    rows.push_back({part.name, part.text, x[0].sizes().vec(), params_below(model, modules), macs});
  }
  return rows;
}

}  // namespace

std::vector<PartRow> describe(const ModelEntry& entry) {
  const torch::NoGradGuard no_grad;
  const auto model = entry.make(Json::object());
  model->eval();
  const auto& input = entry.input;
  if (auto* design = dynamic_cast<BraidNet*>(model.get()))
    return run_parts(*design, torch::zeros({1, input.channels, input.height, input.width}));
  std::vector<PartRow> rows;
  for (const auto& info : model->feature_info()) {
    const auto side = [&](int64_t pixels) {
      return (pixels + info.reduction - 1) / info.reduction;
    };
    rows.push_back({info.module,
                    "",
                    {info.num_chs, side(input.height), side(input.width)},
                    params_below(*model, {info.module}),
                    {}});
  }
  return rows;
}

}  // namespace braid::models
