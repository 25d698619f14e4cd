// Matrices of 16-bit numbers in the orders that matrix units want.
#pragma once
#include <cstdint>
#include <cstring>

namespace braid::ops {

using EightShorts = uint16_t __attribute__((vector_size(16)));
using FourInts = uint32_t __attribute__((vector_size(16)));
using TwoLongs = uint64_t __attribute__((vector_size(16)));

inline EightShorts load_eight(const uint16_t* p) {
  EightShorts v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_eight(uint16_t* p, EightShorts v) { std::memcpy(p, &v, sizeof v); }
// Of the lower, or the upper, halves of a and b: a's and b's shorts (ints, longs) in turns.
inline EightShorts low_shorts(EightShorts a, EightShorts b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
inline EightShorts high_shorts(EightShorts a, EightShorts b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
inline EightShorts low_ints(EightShorts a, EightShorts b) {
  return (EightShorts)__builtin_shufflevector((FourInts)a, (FourInts)b, 0, 4, 1, 5);
}
inline EightShorts high_ints(EightShorts a, EightShorts b) {
  return (EightShorts)__builtin_shufflevector((FourInts)a, (FourInts)b, 2, 6, 3, 7);
}
inline EightShorts low_longs(EightShorts a, EightShorts b) {
  return (EightShorts)__builtin_shufflevector((TwoLongs)a, (TwoLongs)b, 0, 2);
}
inline EightShorts high_longs(EightShorts a, EightShorts b) {
  return (EightShorts)__builtin_shufflevector((TwoLongs)a, (TwoLongs)b, 1, 3);
}

// Eight rows of eight, from row to row `pitch` numbers, to eight columns.
inline void transpose_eight(const uint16_t* from, int64_t from_pitch, uint16_t* to,
                            int64_t to_pitch) {
  EightShorts r[8], t[8];
  for (int i = 0; i < 8; ++i) r[i] = load_eight(from + i * from_pitch);
  for (int i = 0; i < 8; i += 2) {
    t[i] = low_shorts(r[i], r[i + 1]);
    t[i + 1] = high_shorts(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = low_ints(t[i], t[i + 2]);
    r[i + 1] = high_ints(t[i], t[i + 2]);
    r[i + 2] = low_ints(t[i + 1], t[i + 3]);
    r[i + 3] = high_ints(t[i + 1], t[i + 3]);
  }
  for (int64_t i = 0; i < 4; ++i) {
    store_eight(to + 2 * i * to_pitch, low_longs(r[i], r[i + 4]));
    store_eight(to + (2 * i + 1) * to_pitch, high_longs(r[i], r[i + 4]));
  }
}

// [rows,columns] -> columns lines of rows numbers, from line to line `line` numbers; both multiples
// of eight.
inline void transpose_bits(const uint16_t* from, int64_t rows, int64_t columns, uint16_t* to,
                           int64_t line) {
  for (int64_t column = 0; column < columns; column += 8)
    for (int64_t row = 0; row < rows; row += 8)
      transpose_eight(from + row * columns + column, columns, to + column * line + row, line);
}

// [rows,columns] -> [rows / 2,columns,2], what is called VNNI; an even number of rows, columns a
// multiple of eight.
inline void pair_rows(const uint16_t* from, int64_t rows, int64_t columns, uint16_t* to) {
  for (int64_t row = 0; row < rows; row += 2)
    for (int64_t column = 0; column < columns; column += 8) {
      const auto a = load_eight(from + row * columns + column);
      const auto b = load_eight(from + (row + 1) * columns + column);
      store_eight(to + row * columns + 2 * column, low_shorts(a, b));
      store_eight(to + row * columns + 2 * column + 8, high_shorts(a, b));
    }
}

}  // namespace braid::ops
