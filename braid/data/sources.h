// Where datasets come from: IDX files, CIFAR binaries, folders of images.
#pragma once
#include <filesystem>
#include <string>

#include "braid/data/dataset.h"

namespace braid::data {

// The splits that the data itself has; each may be null, not all. Class folders without split
// folders are one set: it is `train`, and `unsplit` says so.
Splits open_source(const std::string& spec);

// True when the folder holds train-images-idx3-ubyte[.gz] and its companions.
bool is_idx_folder(const std::filesystem::path& folder);
Splits open_idx(const std::filesystem::path& folder, const std::vector<std::string>& classes = {});

// True when the folder holds data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100).
bool is_cifar_folder(const std::filesystem::path& folder);
Splits open_cifar(const std::filesystem::path& folder);

// Class folders of JPEG and PNG files, or train/, val/ (valid/, validation/), test/ folders of
// them.
Splits open_image_folder(const std::filesystem::path& folder);

// The folder where `braid data get` puts datasets: BRAID_DATA_HOME, else ~/.cache/braid.
std::filesystem::path data_home();

}  // namespace braid::data
