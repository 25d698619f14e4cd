// Progress of one training among the others of a comparison.
#pragma once
#include <string>
#include <utility>

#include "braid/core/progress.h"

namespace braid::evaluate {

// Passes on what a training reports, under a title of its own: trainings of one architecture
// report the same name.
class TitledProgress final : public Progress {
 public:
  // name: as the training reports it, at the beginning of a bar's title or of a line.
  TitledProgress(Progress& progress, std::string name, std::string title)
      : progress_(progress), name_(std::move(name)), title_(std::move(title)) {}

  void begin(const std::string& title, int64_t total) override {
    progress_.begin(titled(title), total);
  }
  void update(int64_t done, const std::string& text) override { progress_.update(done, text); }
  void end() override { progress_.end(); }
  void line(const std::string& text) override { progress_.line(titled(text)); }

 private:
  std::string titled(const std::string& text) const {
    return text.starts_with(name_ + " ") ? title_ + text.substr(name_.size()) : text;
  }

  Progress& progress_;
  std::string name_, title_;
};

}  // namespace braid::evaluate
