// Work of a GPU recorded once and launched as a whole.
#pragma once
#include <functional>
#include <memory>

namespace braid::runtime {

// A small network spends its step on launching kernels, not on running them: CUDA graphs
// (https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-graphs, torch.cuda.graph) launch all
// of them at once. What the work allocates stays allocated as long as the graph lives, and is
// written anew by each replay.
class DeviceGraph {
 public:
  // Whether this LibTorch can record at all, and there is a CUDA device.
  static bool is_available();

  DeviceGraph();
  ~DeviceGraph();
  DeviceGraph(DeviceGraph&&) noexcept;
  DeviceGraph& operator=(DeviceGraph&&) noexcept;

  // Records the work's operators on the current CUDA device; they are not run yet. The work must
  // have run at least once before, so that libraries have chosen their kernels. Throws c10::Error
  // where the work waits for the device, as reading a number or a copy to the host does.
  void record(const std::function<void()>& work);
  // Runs what was recorded, on the current stream.
  void replay();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace braid::runtime
