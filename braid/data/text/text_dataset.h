// The contract of labelled texts, and the splits of them that a user names.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/left_out.h"

namespace braid::data {

struct TextExample {
  std::string text;
  std::optional<std::string> pair;  // a second text, of tasks that judge two
  int64_t label = 0;                // index into classes()
};

class TextDataset {
 public:
  virtual ~TextDataset() = default;
  virtual int64_t size() const = 0;
  // Thread-safe. Throws DataError or IoError naming file and line where the text cannot be read any
  // more.
  virtual TextExample get(int64_t index) const = 0;
  // The label alone, without reading.
  virtual int64_t label(int64_t index) const = 0;
  // A name for people: "train.jsonl:17", or the text's own file.
  virtual std::string describe(int64_t index) const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
};
using TextDatasetPtr = std::shared_ptr<const TextDataset>;

// The texts of `parent` at `indices`, in that order.
TextDatasetPtr subset(TextDatasetPtr parent, std::vector<int64_t> indices);

// A stratified subset of about fraction * size texts, at least one per class; nested: the 10% are
// within the 30%. Throws ConfigError for a fraction outside of 0 to 1.
TextDatasetPtr sample_fraction(const TextDatasetPtr& dataset, double fraction, int64_t seed);

struct TextSplits {
  TextDatasetPtr train;
  TextDatasetPtr val;
  TextDatasetPtr test;               // null where the data has none
  bool unsplit = false;              // the data knows no splits: all of it is in train
  std::vector<LeftOut> left_out;     // of the folders where anything was
  std::vector<std::string> remarks;  // what is odd about the data, a line each
  int64_t bad_samples = 0;           // rows that were left out, as they could not be read
  std::vector<std::string> bad_sample_messages;  // of the first ones
};

struct TextSourceOptions {
  // The order of the classes, for a checkpoint that has its own: taken where the data has exactly
  // these, else theirs is natural (core/natural_order.h).
  std::vector<std::string> class_order = {};
  // A row that cannot be read, has no label or one that train lacks. error: a DataError that names
  // it; skip: it is left out and counted.
  std::string on_bad_sample = "error";
};

// The splits that the data itself has; each may be null, not all. spec: a name that `braid data
// get` knows; a file; or a folder of files or of class folders:
//   .jsonl, .ndjson, .json    a JSON object a line
//   .tsv, .txt                a text and a label with a tab between, or columns with names
//   .csv                      the same with commas and quotes
//   <class>/<text>.txt        a text a file
// All of them may be packed (.gz). A folder's splits are told by the names of its files and
// folders: train, training; val, valid, validation, dev; test. A file, or a folder without such
// names, is one set: it is `train`, and `unsplit` says so. The texts stay on disk. All splits have
// train's classes.
TextSplits open_text_source(const std::string& spec, const TextSourceOptions& options = {});

struct OpenTextOptions {
  double val_fraction = 0.1;  // of train that becomes val where none exists (stratified)
  int64_t split_seed = 0;     // of that choice
  TextSourceOptions source = {};
};
// The same with train and val never null.
TextSplits open_text_dataset(const std::string& spec, const OpenTextOptions& options = {});
// As folds (../folds.h); val_fraction is not asked.
std::vector<TextSplits> open_text_folds(const std::string& spec, int64_t folds,
                                        const OpenTextOptions& options = {});

// Whether a spec names labelled texts rather than images or plain text.
bool is_labelled_text(const std::string& spec);

}  // namespace braid::data
