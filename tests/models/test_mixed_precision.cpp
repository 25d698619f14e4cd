// Which operators of a model that is trained under autocast on the CPU run in which type.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/op_observer.h"

namespace braid::models {
namespace {

// Convolutions with a group per channel and a stride, by the type of what they get.
class StridedDepthwise final : public runtime::OpWatcher {
 public:
  int64_t bf16 = 0, other = 0;

 private:
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    if (std::string(op.name()) != "aten::convolution") return nullptr;
    const auto inputs = op.inputs();  // input, weight, bias, stride, .., groups
    const auto x = inputs[0].toTensor();
    const auto strides = inputs[3].toIntVector();
    const int64_t groups = inputs[8].toInt();
    if (groups > 1 && groups == x.size(1) && *std::max_element(strides.begin(), strides.end()) > 1)
      ++(x.scalar_type() == torch::kBFloat16 ? bf16 : other);
    return nullptr;
  }
  void after(const at::RecordFunction&, at::ObserverContext*) override {}
};

class MixedPrecision : public ::testing::TestWithParam<std::string> {};

TEST_P(MixedPrecision, TrainsStridedDepthwiseConvolutionsInFloat32) {
  Json fields = {{"num_classes", 3}, {"in_chans", 3}, {"img_size", 32}};
  if (GetParam() == "coatnet_pico_32") fields["conv_stride_mode"] = "dw";  // else it pools
  const auto model = create_model<ImageModel>(GetParam(), fields, 1);
  model->train();
  StridedDepthwise seen;
  {
    const runtime::OpObserver observer(seen);
    const runtime::Autocast autocast(torch::kCPU, "bfloat16");
    model->forward(torch::randn({2, 3, 32, 32}));
  }
  EXPECT_EQ(seen.bf16, 0);
  EXPECT_GT(seen.other, 0) << "nothing to see in this model";
}

INSTANTIATE_TEST_SUITE_P(Models, MixedPrecision,
                         ::testing::Values("mobilenetv3_small_100", "efficientnet_b0",
                                           "mobilevit_xxs", "coatnet_pico_32", "cvt_13",
                                           "efficientformerv2_s0", "repvit_m1", "fastvit_t8",
                                           "mobilenetv4_hybrid_medium", "mobile_former_96m"));

}  // namespace
}  // namespace braid::models
