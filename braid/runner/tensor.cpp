#include "braid/runner/tensor.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "braid/runner/kernels/kernels.h"

namespace braid::runner {

struct BufferPool::State {
  std::mutex mutex;
  std::multimap<uint64_t, std::byte*> free;
  uint64_t most = 0, total = 0;
  std::string where;
  bool closed = false;

  ~State() { release_all(); }
  void release_all() {
    for (const auto& [size, bytes] : free) {
      std::free(bytes);
      total -= size;
    }
    free.clear();
  }
};

BufferPool::BufferPool(uint64_t most_bytes, const std::string& where)
    : state_(std::make_shared<State>()) {
  state_->most = most_bytes;
  state_->where = where;
}

BufferPool::~BufferPool() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->release_all();
}

void BufferPool::release() {
  const std::lock_guard lock(state_->mutex);
  state_->release_all();
}

std::shared_ptr<std::byte> BufferPool::allocate(uint64_t bytes) {
  // A vector may be read beyond the last element.
  const uint64_t size = (bytes + kSlackBytes + kAlignment - 1) / kAlignment * kAlignment;
  std::byte* found = nullptr;
  uint64_t found_size = size;
  {
    const std::lock_guard lock(state_->mutex);
    const auto it = state_->free.lower_bound(size);
    if (it != state_->free.end() && it->first <= 2 * size + 4096) {
      found = it->second;
      found_size = it->first;
      state_->free.erase(it);
    } else {
      if (state_->total + size > state_->most) state_->release_all();
      if (state_->total + size <= state_->most)
        found = static_cast<std::byte*>(std::aligned_alloc(kAlignment, size));
      if (found == nullptr)
        throw OutOfMemoryError(
            "runner",
            fmt::format("expected tensors that fit into {} bytes of memory, got one "
                        "of {} bytes beside {} others",
                        state_->most, bytes, state_->total),
            state_->where, "give smaller inputs or, to braid-run, more: --max-memory");
      state_->total += size;
    }
  }
  return {found, [state = state_, found_size](std::byte* p) {
            const std::lock_guard lock(state->mutex);
            if (!state->closed) {
              state->free.emplace(found_size, p);
              return;
            }
            std::free(p);
            state->total -= found_size;
          }};
}

Tensor::Tensor(DType dtype, Dims dims, std::shared_ptr<std::byte> bytes)
    : dtype_(dtype), dims_(std::move(dims)), count_(product(dims_)), bytes_(std::move(bytes)) {}

Tensor Tensor::view(Dims dims) const {
  Tensor other = *this;
  other.dims_ = std::move(dims);
  return other;
}

int64_t product(const Dims& dims, size_t begin, size_t end) {
  int64_t product = 1;
  for (size_t i = begin; i < end; ++i) product *= dims[i];
  return product;
}

}  // namespace braid::runner
