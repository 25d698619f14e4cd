// Opens data that a user names.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/data/dataset.h"
#include "braid/data/sources.h"

namespace braid::data {

// spec: a name (`fashion-mnist`, `cifar10`, `cifar100`), or a folder: of IDX files, of CIFAR
// binaries, or an ImageFolder (class folders, or train/ val/ test/ folders of class folders).
// Throws DataError or IoError naming folder and remedy.
struct OpenOptions {
  double val_fraction = 0.1;  // of train that becomes val where none exists (stratified)
  int64_t split_seed = 0;     // of that choice
  SourceOptions source = {};
};
Splits open_dataset(const std::string& spec, const OpenOptions& options = {});
// As folds (folds.h); val_fraction is not asked.
std::vector<Splits> open_folds(const std::string& spec, int64_t folds,
                               const OpenOptions& options = {});

}  // namespace braid::data
