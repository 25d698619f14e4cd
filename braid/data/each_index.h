// Work on many examples at once, in threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

namespace braid::data {

// work(i) for every i below count, once each, in `threads` threads, the caller's among them.
// Rethrows the first exception of any, once all threads have ended; what was not begun by then is
// left out.
void for_each_index(size_t count, int64_t threads, const std::function<void(size_t)>& work);

}  // namespace braid::data
