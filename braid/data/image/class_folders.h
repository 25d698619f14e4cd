// Class folders of images or other items, and the split folders that hold them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/data/left_out.h"

namespace braid::data {

// What is looked for in the folders.
struct ItemFiles {
  bool (*matches)(const std::filesystem::path& file);
  const char* plural;   // for people: "images"
  const char* example;  // "<image>.jpg"
};
const ItemFiles& image_files();

struct ClassFolder {
  std::string name;
  std::vector<std::filesystem::path> files;  // in the order of their paths
};

// The class folders below `folder`, in natural order (core/natural_order.h), each with the items
// in it and in whatever folders are below it. Links are followed, a folder once per class. Class
// folders without an item, and all else that is not listed, are counted. Throws IoError where a
// folder cannot be read.
std::vector<ClassFolder> list_class_folders(const std::filesystem::path& folder, LeftOut& left_out,
                                            const ItemFiles& items = image_files());

// The images in the folder and below it, likewise, in the order of their paths.
std::vector<std::filesystem::path> list_images_below(const std::filesystem::path& folder,
                                                     LeftOut& left_out);

struct SplitFolders {
  std::filesystem::path train, val, test;  // empty: there is none
  LeftOut left_out;                        // beside them
  std::vector<std::string> remarks;        // how doubtful names were read
  bool any() const { return !(train.empty() && val.empty() && test.empty()); }
};

// The split folders in `folder`, by name, whatever the case:
//   train: train, training;  val: val, valid, validation, dev, eval, evaluation;
//   test: test, testing, and eval or evaluation where another folder is val.
// Where no folder has such a name, one that holds it as a word counts (my_train, train-2017), as in
// Hugging Face's imagefolder, if all the folders do. A folder that holds items itself is a class,
// whatever its name. Throws DataError where the splits hold items without class folders.
SplitFolders find_split_folders(const std::filesystem::path& folder,
                                const ItemFiles& items = image_files());

// train, val or test where a folder of this name would be one of them; else empty.
std::string split_of_name(const std::string& name);

}  // namespace braid::data
