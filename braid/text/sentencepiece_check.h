// Whether the SentencePiece library may see a model file: 0.1.97 reads and writes out of bounds for
// some (google/sentencepiece issues 1263, 1269).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace braid::text {

constexpr size_t kMaxModelBytes = 100'000'000;
constexpr size_t kMaxModelPieces = 1'000'000;
constexpr size_t kMaxPieceBytes = 512;

struct ModelPiece {
  enum Type { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  std::string text;
  int type = kNormal;
};

// The pieces, in the order of their numbers. Throws DataError naming the part that is wrong.
std::vector<ModelPiece> check_sentencepiece_model(std::string_view bytes, const std::string& file);

}  // namespace braid::text
