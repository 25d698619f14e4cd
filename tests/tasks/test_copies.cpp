// A training step copies no more than it did: what is counted here grows where a layer's output
// lies otherwise than the next one reads it. What is left are gradients of weights, which oneDNN
// gives in another order, biases that LibTorch's products begin with, and the order of patches,
// heads and rows of tokens.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "braid/core/cpu.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/op_observer.h"
#include "braid/tasks/image_model.h"
#include "braid/torch.h"

namespace braid::tasks {
namespace {

using torch::Tensor;

// Another processor's oneDNN may choose another order.
#define NEEDS_THE_RECORDED_KERNELS() \
  if (!cpu_has_bf16_matrix()) GTEST_SKIP() << "recorded on processors that multiply bfloat16"

// Of tensors as large as activations are.
struct Copies {
  int64_t all = 0;
  int64_t reorders = 0;  // to another order of the same numbers
};

class CopyCounter final : public runtime::OpWatcher {
 public:
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    constexpr int64_t kLeastNumbers = 2048;
    if (std::string_view(op.name()) != "aten::copy_") return nullptr;
    const auto &to = op.inputs()[0].toTensor(), &from = op.inputs()[1].toTensor();
    if (to.numel() < kLeastNumbers) return nullptr;
    ++copies.all;
    copies.reorders += to.strides() != from.strides();
    return nullptr;
  }
  void after(const at::RecordFunction&, at::ObserverContext*) override {}
  Copies copies;
};

template <class Loss>
Copies copies_of(const Loss& loss) {
  loss().backward();  // what is made once is made now
  CopyCounter counter;
  const runtime::OpObserver observer(counter);
  loss().backward();
  return counter.copies;
}

struct Case {
  const char* model;
  int64_t channels, size;
  Copies most;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.model; }

class CopiesOfImages : public ::testing::TestWithParam<Case> {};

TEST_P(CopiesOfImages, StayWhatTheyAre) {
  NEEDS_THE_RECORDED_KERNELS();
  const auto& c = GetParam();
  torch::manual_seed(1);
  const auto model = models::create_model<models::ImageModel>(
      c.model, {{"num_classes", 10}, {"in_chans", c.channels}, {"img_size", c.size}});
  to_channels_last(*model);
  model->train();
  const auto images = torch::randn({8, c.size, c.size, c.channels}).permute({0, 3, 1, 2});
  const auto copies = copies_of([&] { return model->forward(images).square().sum(); });
  EXPECT_LE(copies.all, c.most.all);
  EXPECT_LE(copies.reorders, c.most.reorders);
}

INSTANTIATE_TEST_SUITE_P(
    Families, CopiesOfImages,
    ::testing::Values(Case{"airbench_nano", 1, 28, {8, 6}}, Case{"airvit_nano", 1, 28, {7, 7}},
                      Case{"vit_nano_patch7_gap_28", 1, 28, {7, 7}},
                      Case{"resnet20", 3, 32, {26, 26}}, Case{"convnext_atto", 3, 64, {18, 18}},
                      Case{"mobilevit_xxs", 3, 64, {66, 66}}, Case{"cct_2_3x2_32", 3, 32, {3, 3}}),
    [](const auto& info) { return std::string(info.param.model); });

class CopiesOfTexts : public ::testing::TestWithParam<Case> {};

TEST_P(CopiesOfTexts, StayWhatTheyAre) {
  NEEDS_THE_RECORDED_KERNELS();
  const auto& c = GetParam();
  torch::manual_seed(1);
  const auto model = models::create_model<models::TextEncoder>(
      c.model, {{"head", "sequence_classification"}, {"num_labels", 4}, {"vocab_size", 50}});
  model->train();
  const auto ids = torch::randint(5, 50, {8, c.size}, torch::kLong);
  const auto copies = copies_of([&] {
    return model->forward({ids, torch::ones_like(ids), {}}).square().sum();
  });
  EXPECT_LE(copies.all, c.most.all);
  EXPECT_LE(copies.reorders, c.most.reorders);
}

INSTANTIATE_TEST_SUITE_P(Families, CopiesOfTexts,
                         ::testing::Values(Case{"textcnn", 0, 32, {13, 8}},
                                           Case{"bert_tiny", 0, 32, {29, 26}},
                                           Case{"bert_tiny_cnn", 0, 32, {42, 34}}),
                         [](const auto& info) { return std::string(info.param.model); });

}  // namespace
}  // namespace braid::tasks
