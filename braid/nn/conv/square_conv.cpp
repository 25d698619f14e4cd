#include "braid/nn/conv/square_conv.h"

#include <variant>

namespace braid::nn {

std::optional<SquareConv> as_square(const torch::nn::Conv2dImpl& layer) {
  const auto& options = layer.options;
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&options.padding());
  const auto alike = [](const torch::ExpandingArray<2>& sides) {
    return (*sides)[0] == (*sides)[1];
  };
  if (padding == nullptr || !alike(options.kernel_size()) || !alike(options.stride()) ||
      !alike(*padding) || !alike(options.dilation()) || (*options.dilation())[0] != 1 ||
      !std::holds_alternative<torch::enumtype::kZeros>(options.padding_mode()))
    return std::nullopt;
  return SquareConv{.kernel = (*options.kernel_size())[0],
                    .stride = (*options.stride())[0],
                    .padding = (**padding)[0],
                    .groups = options.groups()};
}

}  // namespace braid::nn
