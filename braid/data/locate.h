// Where data lies that a user names.
#pragma once
#include <filesystem>
#include <string>

namespace braid::data {

// The file or folder that a spec names: a dataset's name is looked up in /usr/share/datasets, then
// in data_home(), unless there is something of this name here. Throws UsageError for none, IoError
// with near matches where there is nothing.
std::filesystem::path locate_data(const std::string& spec);

// Whether a folder holds images, in whatever folder below it, or files of IDX or CIFAR.
bool holds_images(const std::filesystem::path& folder);

}  // namespace braid::data
