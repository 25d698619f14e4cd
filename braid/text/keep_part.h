// A text is cut at its end or at its beginning.
#pragma once
#include <cstddef>
#include <vector>

namespace braid::text {

// Of a list of at least so many: the first ones, or the last where `last`.
template <class T>
void keep_part(std::vector<T>& list, size_t length, bool last) {
  if (last)
    list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(length));
  else
    list.resize(length);
}

}  // namespace braid::text
