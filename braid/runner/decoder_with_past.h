// The third file of a translator: what says which word may follow from the last word and what the
// decoder kept of those before, in place of computing all of them again.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/runner/session.h"

namespace braid::runner {

// Of one text at a time.
class DecoderWithPast {
 public:
  // first: the decoder that computes all words, whose outputs are kept; it must live as long.
  // vocab_size: its words. Throws DataError naming the file where the two do not fit: something
  // that is kept by one alone, of another type or size, another vocabulary.
  DecoderWithPast(const Session& first, std::unique_ptr<Session> next, int64_t vocab_size);

  // Nothing is kept any more.
  void forget();
  // outputs: of the first decoder, for `rows` texts of `length` words each, the start token among
  // them, written for a text of source_length. Throws DataError where they are of other sizes.
  void keep(const std::vector<Tensor>& outputs, int64_t rows, int64_t length,
            int64_t source_length);
  // Words of each row that are kept; 0: none.
  int64_t length() const { return length_; }
  // One word more for each row. parents: of each row, the one before that it goes on from. Logits
  // of what may follow, [R,1,V]. Throws DataError where the file computes something else.
  Tensor next(const std::vector<int64_t>& words, const std::vector<int64_t>& parents);

  const Session& session() const { return *next_; }

 private:
  struct Kept {
    std::string name;                 // "0.decoder.key"
    size_t of_first = 0;              // the output of the first decoder
    std::optional<size_t> of_next{};  // of the other; none: it stays as it is
    Tensor value{};                   // [R,..]
  };
  void find_kept(const Session& first);
  void check_outputs() const;
  void check_rows(const Session& session, const Tensor& value, const std::string& name) const;
  void choose_rows(const std::vector<int64_t>& parents);
  Tensor rows_of(const Tensor& value, const std::vector<int64_t>& parents) const;

  const Session& first_;
  std::unique_ptr<Session> next_;
  std::vector<Kept> kept_;
  size_t logits_ = 0;  // the output of next_
  Tensor mask_;        // of the text that was read, [R,M]
  int64_t rows_ = 0, length_ = 0;
};

}  // namespace braid::runner
