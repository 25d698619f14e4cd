// Texts and their translations, line by line in two files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/io/line_file.h"
#include "braid/text/sequence.h"

namespace braid::data {

struct TextPair {
  std::string source, target;
};

using text::beginning_of;

// One split. Only "\n" and "\r\n" end a line (io/line_file.h). The texts stay in their files.
class ParallelText {
 public:
  // Throws IoError, or DataError where the numbers of lines differ, naming both, the line with
  // which the shorter file ends, and what is there.
  ParallelText(const std::filesystem::path& source, const std::filesystem::path& target);

  int64_t size() const { return static_cast<int64_t>(lines_.size()); }
  // From any thread. Of each side no more than max_bytes. Throws IoError.
  TextPair get(int64_t index, uint64_t max_bytes = ~uint64_t{0}) const;
  std::string source(int64_t index) const { return source_->read(line(index)); }
  std::string target(int64_t index) const { return target_->read(line(index)); }
  std::string describe(int64_t index) const { return source_->describe(line(index)); }
  // Whether a side has nothing but white space.
  bool has_empty_side(int64_t index) const;
  const std::filesystem::path& source_path() const { return source_->path(); }
  const std::filesystem::path& target_path() const { return target_->path(); }

  // The pairs at these positions, in that order.
  std::shared_ptr<const ParallelText> subset(const std::vector<int64_t>& indices) const;

 private:
  int64_t line(int64_t index) const { return lines_.at(static_cast<size_t>(index)); }

  std::shared_ptr<const io::LineFile> source_, target_;
  std::vector<int64_t> lines_;
};
using ParallelTextPtr = std::shared_ptr<const ParallelText>;

struct ParallelSplits {
  std::string source_lang = {}, target_lang = {};  // the files' suffixes
  ParallelTextPtr train = {};                      // for training: no side is empty
  ParallelTextPtr val = {};                        // for training: never null where train is not
  std::vector<std::pair<std::string, ParallelTextPtr>> tests = {};  // by name: "test", "test_2016"
  int64_t empty_pairs = 0;  // left out of train, as a side has nothing but white space
  std::vector<std::string> remarks = {};  // how doubtful data was read, what was left out

  ParallelTextPtr test() const { return tests.empty() ? nullptr : tests.front().second; }
};

struct OpenParallelOptions {
  std::string source_lang = {}, target_lang = {};  // empty: told by the files' names
  // As training wants it: train has no empty sides, and gives of its pairs where there is no val.
  bool for_training = true;
  double val_fraction = 0.1;  // of train that becomes val where none exists
  int64_t split_seed = 0;     // of that choice
};
// Pairs of train that become val, at most.
inline constexpr int64_t kMostValPairs = 2000;

// spec: SOURCE_FILE,TARGET_FILE; a folder; or a name that `braid data get` knows. Any file may be
// packed (.gz). In a folder train.en and train.de, or train.en-de.en and train.en-de.de, are one
// split's, as are val, valid, validation or dev, and what begins with test. Two languages need no
// source_lang where one of them is English, which is the source then, or where the files say it.
// Throws IoError, DataError, or UsageError where it is not clear what is translated into what.
ParallelSplits open_parallel_text(const std::string& spec, const OpenParallelOptions& options = {});

}  // namespace braid::data
