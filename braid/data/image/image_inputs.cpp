#include "braid/data/image/image_inputs.h"

#include <iostream>

#include "braid/core/error.h"
#include "braid/data/image/class_folders.h"
#include "braid/io/posix_file.h"
#include "braid/io/read_stream.h"

namespace braid::data {

ImageInputs::ImageInputs(const std::vector<std::string>& names, const std::string& list)
    : names_(names.begin(), names.end()), list_(list) {
  if (list_.empty() || list_ == "-") return;
  list_file_.open(list_);
  if (!list_file_ || io::is_folder(list_))
    throw IoError("data", "cannot read the list", list_, "check its name");
}

std::optional<std::string> ImageInputs::next_name() {
  if (!names_.empty()) {
    auto name = names_.front();
    names_.pop_front();
    return name;
  }
  if (list_.empty()) return std::nullopt;
  auto& in = list_ == "-" ? std::cin : static_cast<std::istream&>(list_file_);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

std::optional<std::string> ImageInputs::next() {
  while (files_.empty()) {
    auto name = next_name();
    if (!name || *name == "-" || !io::is_folder(*name)) return name;
    for (const auto& file : list_images_below(*name, left_out_)) files_.push_back(file.string());
    if (files_.empty())
      throw DataError("data", "expected images in the folder, got none", *name,
                      "JPEG, PNG, WebP, BMP, TIFF and GIF files are images, by their suffix");
  }
  auto file = files_.front();
  files_.pop_front();
  return file;
}

io::Image read_input(const std::string& name, const io::DecodeLimits& limits) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 30;
  if (!io::is_stream(name)) return io::read_image(name, limits);
  const auto bytes = io::read_stream(name, kMostBytes);
  return io::decode_image(bytes.data(), bytes.size(), name, limits);
}

}  // namespace braid::data
