// Sentences whose words carry a tag each, and the splits of them that a user names.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/data/left_out.h"

namespace braid::data {

struct TaggedText {
  std::vector<std::string> words;
  std::vector<int64_t> tags;  // of each word, an index into TaggedTexts::tags()
};

// In memory: sets with hand-made tags are small.
class TaggedTexts {
 public:
  struct Sentence {
    TaggedText text;
    std::string place;  // for people: "train.conll:17"
  };
  TaggedTexts(std::vector<Sentence> sentences, std::vector<std::string> tags)
      : sentences_(std::move(sentences)), tags_(std::move(tags)) {}
  int64_t size() const { return static_cast<int64_t>(sentences_.size()); }
  const TaggedText& get(int64_t index) const { return at(index).text; }
  const std::string& describe(int64_t index) const { return at(index).place; }
  const std::vector<std::string>& tags() const { return tags_; }

 private:
  const Sentence& at(int64_t index) const { return sentences_.at(static_cast<size_t>(index)); }
  std::vector<Sentence> sentences_;
  std::vector<std::string> tags_;
};
using TaggedTextsPtr = std::shared_ptr<const TaggedTexts>;

struct TaggedSplits {
  TaggedTextsPtr train, val, test;     // null where the data has none
  bool unsplit = false;                // the data knows no splits: all of it is in train
  std::vector<LeftOut> left_out{};     // of the folder where anything was
  std::vector<std::string> remarks{};  // what is odd about the data, a line each
  int64_t bad_samples = 0;             // sentences that were left out, as they could not be read
  std::vector<std::string> bad_sample_messages{};  // of the first ones
};

struct TaggedTextOptions {
  // The order of the tags, for a checkpoint that has its own: taken where the data has exactly
  // these, else O is first and the others are in natural order.
  std::vector<std::string> tag_order = {};
  // A sentence that cannot be read, or has a tag that train lacks. error: a DataError that names
  // it; skip: it is left out and counted.
  std::string on_bad_sample = "error";
  // Makes val of a share of train where the data has none; 0: leaves it null.
  double val_fraction = 0;
  int64_t split_seed = 0;  // of that choice
};

// The splits that the data has. spec: a name that `braid data get` knows, a file, or a folder of
// files whose names tell the splits:
//   .conll, .bio, .iob, .iob2    a word a line, in the first column, its tag in the last; a blank
//                                line between sentences (CoNLL-2003; -DOCSTART- lines are left out)
//   .jsonl, .ndjson, .json       {"tokens": [..], "ner_tags": [..]} a line (Hugging Face's; also
//                                "words", and "tags" or "labels")
// All of them may be packed (.gz). Throws IoError or DataError.
TaggedSplits open_tagged_texts(const std::string& spec, const TaggedTextOptions& options = {});

// Whether a spec names such sentences: by the names of files, and of JSON by its first row.
bool is_tagged_text(const std::string& spec);

}  // namespace braid::data
