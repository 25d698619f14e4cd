// A training set's images as evaluation sees them, kept in memory from the first epoch on: what
// random cropping does not change is decoded and resized once.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "braid/data/image/input_config.h"
#include "braid/io/image.h"

namespace braid::data {

class PreparedImages {
 public:
  static constexpr int64_t kMostBytes = int64_t{1} << 30;

  // Nothing where the images would take more than most_bytes.
  static std::unique_ptr<PreparedImages> make(int64_t images, const InputConfig& input,
                                              int64_t most_bytes = kMostBytes);
  // The image at this index; `prepare` makes it where it is not kept yet. From any thread.
  io::Image get(int64_t index, const std::function<io::Image()>& prepare);

 private:
  enum State : uint8_t { kMissing, kBeingKept, kKept };
  PreparedImages(int64_t images, const InputConfig& input);

  int64_t height_, width_, channels_;
  std::unique_ptr<uint8_t[]> pixels_;  // [N,H,W,C]; pages are taken as images come
  std::vector<std::atomic<State>> states_;
};

}  // namespace braid::data
