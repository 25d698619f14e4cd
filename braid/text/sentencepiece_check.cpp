#include "braid/text/sentencepiece_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <unordered_set>

#include "braid/core/error.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr size_t kMaxCharsmapBytes = 2'000'000;  // the largest that the library makes has 300,000
constexpr int kMaxNested = 32;  // matches that begin alike: the library's lists hold so many

class ModelCheck {
 public:
  ModelCheck(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::vector<ModelPiece> run() {
    if (bytes_.size() > kMaxModelBytes)
      fail(fmt::format("at most {} bytes", kMaxModelBytes), fmt::format("{}", bytes_.size()));
    try {
      protozero::pbf_reader model(bytes_.data(), bytes_.size());
      while (model.next()) read_field(model);
    } catch (const protozero::exception& error) {
      fail("a SentencePiece model", fmt::format("other bytes ({})", error.what()));
    }
    check_pieces();
    return std::move(pieces_);
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    throw DataError("sentencepiece", fmt::format("expected {}, got {}", expected, got), file_,
                    "give a model that SentencePiece has trained");
  }

  static protozero::data_view view_of(protozero::pbf_reader& reader) {
    if (reader.wire_type() != protozero::pbf_wire_type::length_delimited)
      throw protozero::unknown_pbf_wire_type_exception();
    return reader.get_view();
  }

  void read_field(protozero::pbf_reader& model) {
    constexpr uint32_t kPieces = 1, kTrainer = 2, kNormalizer = 3, kDenormalizer = 5;
    const auto tag = model.tag();
    if (tag == kPieces) {
      if (pieces_.size() >= kMaxModelPieces)
        fail(fmt::format("at most {} pieces", kMaxModelPieces), "more");
      read_piece(view_of(model));
    } else if (tag == kTrainer) {
      read_trainer(view_of(model));
    } else if (tag == kNormalizer || tag == kDenormalizer) {
      read_normalizer(view_of(model));
    } else {
      model.skip();
    }
  }

  void read_piece(protozero::data_view view) {
    constexpr uint32_t kText = 1, kScore = 2, kType = 3;
    const auto what = [&] { return fmt::format("piece {} to have", pieces_.size()); };
    ModelPiece piece;
    protozero::pbf_reader reader(view);
    while (reader.next()) {
      if (reader.tag() == kText) {
        const auto text = view_of(reader);
        piece.text.assign(text.data(), text.size());
      } else if (reader.tag() == kScore) {
        if (reader.wire_type() != protozero::pbf_wire_type::fixed32)
          throw protozero::unknown_pbf_wire_type_exception();
        if (!std::isfinite(reader.get_float())) fail(what() + " a finite score", "another");
      } else if (reader.tag() == kType) {
        if (reader.wire_type() != protozero::pbf_wire_type::varint)
          throw protozero::unknown_pbf_wire_type_exception();
        const int64_t type = reader.get_int64();
        if (type < ModelPiece::kNormal || type > ModelPiece::kByte)
          fail(what() + " a type from 1 to 6", fmt::format("{}", type));
        piece.type = static_cast<int>(type);
      } else {
        reader.skip();
      }
    }
    if (piece.text.empty() || piece.text.size() > kMaxPieceBytes)
      fail(fmt::format("{} 1 to {} bytes", what(), kMaxPieceBytes),
           fmt::format("{}", piece.text.size()));
    if (valid_utf8(piece.text) != piece.text.size()) fail(what() + " UTF-8", "other bytes");
    if (piece.text.find('\0') != std::string::npos) fail(what() + " no byte 0", "one");
    pieces_.push_back(std::move(piece));
  }

  void read_trainer(protozero::data_view view) {
    constexpr uint32_t kModelType = 3;
    protozero::pbf_reader reader(view);
    while (reader.next()) {
      if (reader.tag() != kModelType) {
        reader.skip();
        continue;
      }
      if (reader.wire_type() != protozero::pbf_wire_type::varint)
        throw protozero::unknown_pbf_wire_type_exception();
      const int64_t type = reader.get_int64();
      if (type < 1 || type > 4) fail("a model type from 1 to 4", fmt::format("{}", type));
    }
  }

  void read_normalizer(protozero::data_view view) {
    constexpr uint32_t kCharsmap = 2;
    protozero::pbf_reader reader(view);
    while (reader.next()) {
      if (reader.tag() != kCharsmap) {
        reader.skip();
        continue;
      }
      const auto map = view_of(reader);
      if (!map.empty()) check_charsmap({map.data(), map.size()});
    }
  }

  // A double-array trie of 32-bit units behind its size in bytes, then texts that end with a zero.
  void check_charsmap(std::string_view map) const {
    const auto wrong = [&](const char* why) { fail("a precompiled_charsmap that is whole", why); };
    uint32_t trie_bytes = 0;
    if (map.size() <= sizeof trie_bytes) wrong("a shorter one");
    if (map.size() > kMaxCharsmapBytes) wrong("a longer one than any");
    std::memcpy(&trie_bytes, map.data(), sizeof trie_bytes);
    if (trie_bytes >= map.size() - sizeof trie_bytes || trie_bytes % 4 != 0 || trie_bytes < 4)
      wrong("a trie larger than it");
    const size_t texts = map.size() - sizeof trie_bytes - trie_bytes;
    if (map.back() != '\0') wrong("texts without an end");
    std::vector<uint32_t> units(trie_bytes / 4);
    std::memcpy(units.data(), map.data() + sizeof trie_bytes, trie_bytes);

    const auto offset = [](uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); };
    struct Node {
      size_t base;
      int leaves;  // on the way to it
    };
    std::vector<Node> open = {{offset(units[0]), 0}};
    std::vector<int> most(units.size(), -1);  // leaves with which a node was looked at
    while (!open.empty()) {
      const auto node = open.back();
      open.pop_back();
      if ((node.base | 0xFF) >= units.size()) wrong("a trie that points out of itself");
      if (most[node.base] >= node.leaves) continue;
      most[node.base] = node.leaves;
      for (uint32_t label = 0; label < 256; ++label) {
        const size_t at = node.base ^ label;
        const uint32_t unit = units[at];
        if ((unit & ((1u << 31) | 0xFF)) != label) continue;
        const size_t child = at ^ offset(unit);
        int leaves = node.leaves;
        if ((unit >> 8) & 1) {
          if (child >= units.size()) wrong("a trie that points out of itself");
          if ((units[child] & 0x7FFFFFFFu) >= texts) wrong("a text beyond the texts");
          if (++leaves > kMaxNested) wrong("too many texts that begin alike");
        }
        // An unused unit leads to itself by zero bytes: a circle without leaves does no harm.
        open.push_back({child, leaves});
      }
    }
  }

  void check_pieces() const {
    if (pieces_.empty()) fail("a SentencePiece model with pieces", "none");
    std::unordered_set<std::string_view> texts;
    int unknown = 0;
    std::set<std::string_view> matched;  // of user-defined pieces, which a text is searched for
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const auto& piece = pieces_[i];
      if (!texts.insert(piece.text).second)
        fail(fmt::format("piece {} to differ from the others", i),
             fmt::format("'{}' again", piece.text));
      unknown += piece.type == ModelPiece::kUnknown;
      if (piece.type == ModelPiece::kUserDefined) matched.insert(piece.text);
    }
    if (unknown != 1) fail("one unknown piece", fmt::format("{}", unknown));
    for (const auto& text : matched) {
      int nested = 0;
      for (size_t length = 1; length <= text.size(); ++length)
        nested += static_cast<int>(matched.count(text.substr(0, length)));
      if (nested > kMaxNested)
        fail(fmt::format("at most {} user-defined pieces that begin alike", kMaxNested), "more");
    }
  }

  std::string_view bytes_;
  const std::string& file_;
  std::vector<ModelPiece> pieces_;
};

}  // namespace

std::vector<ModelPiece> check_sentencepiece_model(std::string_view bytes, const std::string& file) {
  return ModelCheck(bytes, file).run();
}

}  // namespace braid::text
