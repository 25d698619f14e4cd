// Where datasets come from: IDX files, CIFAR binaries, folders of images.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/data/dataset.h"

namespace braid::data {

struct SourceOptions {
  // The order of the classes, for a checkpoint that has its own: taken where the data has exactly
  // these, else theirs is natural (core/natural_order.h). Only folders of images ask it.
  std::vector<std::string> class_order = {};
  io::DecodeLimits limits = {};
};

// The splits that the data itself has; each may be null, not all. Class folders without split
// folders are one set: it is `train`, and `unsplit` says so. All splits have train's classes, or
// together theirs where there is no train.
Splits open_source(const std::string& spec, const SourceOptions& options = {});

// True when the folder holds train-images-idx3-ubyte[.gz] and its companions.
bool is_idx_folder(const std::filesystem::path& folder);
Splits open_idx(const std::filesystem::path& folder, const std::vector<std::string>& classes = {});

// True when the folder holds data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100).
bool is_cifar_folder(const std::filesystem::path& folder);
Splits open_cifar(const std::filesystem::path& folder);

// Class folders of images, or split folders of them (image/class_folders.h). A split may lack
// classes of train; one that train lacks is a DataError.
Splits open_image_folder(const std::filesystem::path& folder, const SourceOptions& options = {});

// The folder where `braid data get` puts datasets: BRAID_DATA_HOME, else ~/.cache/braid.
std::filesystem::path data_home();

}  // namespace braid::data
