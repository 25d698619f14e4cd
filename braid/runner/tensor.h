// Plain tensors: a type, sizes, and aligned bytes that views share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/runner/dtype.h"

namespace braid::runner {

inline constexpr size_t kAlignment = 64;  // bytes: a cache line, the widest vector

// What is computed takes more memory than there is for it: a pool's limit, or the system's, is
// reached.
class OutOfMemoryError : public DataError {
 public:
  using DataError::DataError;
};

// Hands out memory and takes it back, so that a run needs little more than what lives at once.
// Buffers may outlive the pool. Not for several threads.
class BufferPool {
 public:
  // most_bytes: of all buffers together. where: the file, in errors.
  BufferPool(uint64_t most_bytes, const std::string& where);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Uninitialized. Throws OutOfMemoryError beyond the limit and where the system has none left.
  std::shared_ptr<std::byte> allocate(uint64_t bytes);
  // Gives back to the system what is not in use.
  void release();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Dims dims, std::shared_ptr<std::byte> bytes);

  bool defined() const { return bytes_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  int64_t dim(int64_t axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t count() const { return count_; }
  size_t byte_size() const { return static_cast<size_t>(count_) * size_of(dtype_); }

  const std::byte* raw() const { return bytes_.get(); }
  std::byte* raw() { return bytes_.get(); }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes_.get());
  }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.get());
  }

  // The same bytes under other sizes of the same product.
  Tensor view(Dims dims) const;
  // Whether nobody else looks at these bytes.
  bool is_sole() const { return bytes_.use_count() == 1; }

 private:
  DType dtype_ = DType::kFloat;
  Dims dims_;
  int64_t count_ = 0;
  std::shared_ptr<std::byte> bytes_;
};

// The product of dims[begin, end).
int64_t product(const Dims& dims, size_t begin, size_t end);
inline int64_t product(const Dims& dims) { return product(dims, 0, dims.size()); }

}  // namespace braid::runner
