// The dataset contract: indexed images with integer labels.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

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
  virtual int64_t channels() const = 0;  // 1 gray, 3 colour
};
using DatasetPtr = std::shared_ptr<const Dataset>;

// The examples of `parent` at `indices`, in that order.
DatasetPtr subset(DatasetPtr parent, std::vector<int64_t> indices);

struct Splits {
  DatasetPtr train;
  DatasetPtr val;        // never null: split off train deterministically where the data has none
  DatasetPtr test;       // null where the data has none
  bool unsplit = false;  // the data knows no splits: all of it is in train
};

// spec: a name (`fashion-mnist`, `cifar10`, `cifar100`), or a folder: of IDX files, of CIFAR
// binaries, or an ImageFolder (class folders, or train/ val/ test/ folders of class folders).
// val_fraction: the share of train that becomes val where none exists (stratified, seeded by
// split_seed). Throws DataError or IoError naming folder and remedy.
struct OpenOptions {
  double val_fraction = 0.1;
  int64_t split_seed = 0;
};
Splits open_dataset(const std::string& spec, const OpenOptions& options = {});

// A stratified subset of about fraction * size examples, at least one per class; nested: the 10%
// are within the 30%.
DatasetPtr sample_fraction(const DatasetPtr& dataset, double fraction, int64_t seed);

}  // namespace braid::data
