#include "braid/runtime/device_graph.h"

#include "braid/core/error.h"
#include "braid/torch.h"

// LibTorch has a recorder for all accelerators since 2.13; before that only the CUDA one, whose
// header wants NVIDIA's.
#if __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#define BRAID_DEVICE_GRAPH at::accelerator::Graph
#elif __has_include(<cuda_runtime.h>) && __has_include(<crt/host_config.h>)
#include <ATen/cuda/CUDAGraph.h>
#define BRAID_DEVICE_GRAPH at::cuda::CUDAGraph
#endif

#ifdef BRAID_DEVICE_GRAPH
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace braid::runtime {

struct DeviceGraph::Impl {
  BRAID_DEVICE_GRAPH graph;
};

bool DeviceGraph::is_available() { return torch::cuda::is_available(); }

DeviceGraph::DeviceGraph() : impl_(std::make_unique<Impl>()) {}

void DeviceGraph::record(const std::function<void()>& work) {
  const c10::impl::VirtualGuardImpl cuda(torch::kCUDA);
  torch::cuda::synchronize();
  const c10::StreamGuard side(cuda.getStreamFromGlobalPool(cuda.getDevice()));
  impl_->graph.capture_begin();
  try {
    work();
  } catch (...) {
    try {
      impl_->graph.capture_end();
      // NOLINTNEXTLINE(bugprone-empty-catch): it says that the recording is void, as the first did
    } catch (const c10::Error&) {
    }
    throw;
  }
  impl_->graph.capture_end();
}

void DeviceGraph::replay() { impl_->graph.replay(); }

}  // namespace braid::runtime

#else

namespace braid::runtime {

struct DeviceGraph::Impl {};

bool DeviceGraph::is_available() { return false; }

DeviceGraph::DeviceGraph() = default;

void DeviceGraph::record(const std::function<void()>&) {
  throw InternalError("device_graph", "this LibTorch cannot record");
}

void DeviceGraph::replay() {}

}  // namespace braid::runtime

#endif

namespace braid::runtime {

DeviceGraph::~DeviceGraph() = default;
DeviceGraph::DeviceGraph(DeviceGraph&&) noexcept = default;
DeviceGraph& DeviceGraph::operator=(DeviceGraph&&) noexcept = default;

}  // namespace braid::runtime
