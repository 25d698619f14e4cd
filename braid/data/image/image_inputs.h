// The images that a user names: files, folders, standard input, pipes, lists.
#pragma once
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/left_out.h"
#include "braid/io/image.h"

namespace braid::data {

// Names of images one by one, so that a list or a folder may be long and a pipe slow.
class ImageInputs {
 public:
  // names: files of any suffix, folders (the images in them and below them, in the order of their
  // paths), "-" for one image's bytes on standard input, pipes. list: a file that names more of
  // them, one a line, after the others; "-": standard input; empty: none. Throws IoError.
  ImageInputs(const std::vector<std::string>& names, const std::string& list);

  // The next image's name; nothing at the end. Throws IoError where a folder cannot be listed, and
  // DataError where it holds no image.
  std::optional<std::string> next();
  // What the folders so far hold that is no image.
  const LeftOut& left_out() const { return left_out_; }

 private:
  std::optional<std::string> next_name();

  std::deque<std::string> names_;
  std::deque<std::string> files_;  // of the folder that is being gone through
  std::string list_;
  std::ifstream list_file_;
  LeftOut left_out_;
};

// The image of a name that next() gave. Throws DataError or IoError.
io::Image read_input(const std::string& name, const io::DecodeLimits& limits = {});

}  // namespace braid::data
