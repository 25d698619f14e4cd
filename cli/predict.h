// What braid predict is asked, and how it answers for texts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/io/image.h"
#include "braid/tasks/test_time_augmentation.h"

namespace braid::cli {

struct PredictOptions {
  std::string checkpoint, format = "text", on_bad_sample = "error";
  std::string device = "cpu", dtype = "float32";
  std::vector<std::string> inputs;
  std::string list;
  int64_t top = 5, threads = 0;
  bool truncate = true;
  int64_t max_image_pixels = io::kMaxImagePixels;
  tasks::ViewOptions views;
  void visit(FieldVisitor& v);
};

// Arguments are texts themselves; - and --list stand for lines. Each is answered in its order, by
// its number among all of them where it has no answer or several.
void predict_texts(const PredictOptions& options, const std::filesystem::path& checkpoint,
                   Progress& progress);

}  // namespace braid::cli
