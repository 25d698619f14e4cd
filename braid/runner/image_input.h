// Images as a model's input: prepared as the file's metadata say, or left to the graph.
#pragma once
#include <string>
#include <vector>

#include "braid/io/evaluation_view.h"
#include "braid/runner/session.h"

namespace braid::runner {

class ImageInput {
 public:
  // Throws DataError where the file does not say how its images are prepared.
  explicit ImageInput(const Session& session);
  // [1,C,H,W] float32, or [1,height,width,C] uint8 where the graph prepares images itself.
  Tensor prepare(const Session& session, const io::Image& image) const;
  bool in_graph() const { return in_graph_; }
  // Where the graph does not prepare images itself. What the model sees of an image; [C,H,W], and
  // as many floats for one image, or for what is seen of it; safe to use from several threads.
  io::Image view(const io::Image& image) const { return io::evaluation_view(image, view_); }
  std::vector<int64_t> shape() const { return {channels_, view_.height, view_.width}; }
  void write(const io::Image& image, float* to) const { write_view(view(image), to); }
  void write_view(const io::Image& seen, float* to) const;

 private:
  bool in_graph_ = false;
  int64_t channels_ = 3;
  io::EvaluationView view_;
  std::vector<double> std_;
};

}  // namespace braid::runner
