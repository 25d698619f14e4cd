// The training items that an epoch skips: those of the smallest losses when they were last seen.
//
// What a network gets right teaches it little (Jiang et al., "Accelerating Deep Learning by
// Focusing on the Biggest Losers", https://arxiv.org/abs/1910.00762). Unlike there, the losses are
// those of training steps, so that they cost no pass of their own. A skipped item keeps its loss,
// and comes back once others, which went on being learned, have fallen below it.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::train {

class EasiestItems {
 public:
  static constexpr int64_t kWholeEpochs = 2;  // that skip nothing

  // share: of the items seen so far, 0 to below 1.
  explicit EasiestItems(double share) : share_(share) {}
  // losses: [B] of the items at these positions, on any device. One that is NaN is as if unseen.
  void see(const std::vector<int64_t>& indices, const torch::Tensor& losses);
  // Chooses what an epoch skips; what is seen in it does not change that.
  void begin_epoch(int64_t epoch);
  // By position; those beyond its end are not skipped.
  const std::vector<bool>& skipped() const { return skipped_; }

  // Everything that later choices, and the epoch under way, depend on.
  runtime::TensorMap state() const;
  // Throws DataError for tensors of another form. Without any: nothing has been seen.
  void load_state(const runtime::TensorMap& state);

 private:
  double share_;
  std::vector<float> losses_;  // by position; NaN: unseen
  std::vector<bool> skipped_;
};

}  // namespace braid::train
