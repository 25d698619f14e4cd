// The dataset contract: indexed images with integer labels.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/data/left_out.h"
#include "braid/data/stratify.h"
#include "braid/io/image.h"

namespace braid::data {

struct Example {
  io::Image image;
  int64_t label = 0;  // index into classes()
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  // Thread-safe. Throws DataError naming the file when the image cannot be decoded.
  virtual Example get(int64_t index) const = 0;
  // The label alone, without decoding.
  virtual int64_t label(int64_t index) const = 0;
  // A name for people: the file, or "train-images-idx3-ubyte.gz[17]".
  virtual std::string describe(int64_t index) const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  virtual int64_t channels() const = 0;  // 1 gray, 3 colour where any image is
  // Throws DataError naming the file when its header is not that of an image; costs no decoding.
  virtual void check_header(int64_t index) const { (void)index; }
};
using DatasetPtr = std::shared_ptr<const Dataset>;

// The first image that can be read. Throws DataError where none of the first hundred can.
io::Image first_image(const Dataset& dataset);

// The examples of `parent` at `indices`, in that order.
DatasetPtr subset(DatasetPtr parent, std::vector<int64_t> indices);

struct Splits {
  DatasetPtr train;
  DatasetPtr val;        // never null: split off train deterministically where the data has none
  DatasetPtr test;       // null where the data has none
  bool unsplit = false;  // the data knows no splits: all of it is in train
  std::vector<LeftOut> left_out;     // of the folders where anything was
  std::vector<std::string> remarks;  // how doubtful folders were read, a line each
};

// Positions of about `fraction` of every class in a seeded choice, and the rest, both in the
// dataset's order. A class of one example goes to `lone`.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_stratified(const DatasetPtr& dataset,
                                                                       double fraction,
                                                                       int64_t seed,
                                                                       Lone lone = Lone::kFirst);

// A stratified subset of about fraction * size examples, at least one per class; nested: the 10%
// are within the 30%.
DatasetPtr sample_fraction(const DatasetPtr& dataset, double fraction, int64_t seed);

}  // namespace braid::data
