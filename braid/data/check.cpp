#include "braid/data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/data/image/class_folders.h"
#include "braid/data/stratify.h"
#include "braid/io/digest.h"

namespace braid::data {
namespace {

struct CheckedSplit {
  std::string name;
  DatasetPtr dataset;
};

// What is kept of an image.
struct Seen {
  const CheckedSplit* split = nullptr;
  int64_t index = 0;
  int64_t height = 0, width = 0, channels = 0;
  std::string digest;  // of its pixels; empty: it could not be read
  std::string error;

  std::string file() const { return split->dataset->describe(index); }
  const std::string& label() const {
    return split->dataset->classes().at(static_cast<size_t>(split->dataset->label(index)));
  }
};

void look_at(Seen& seen) {
  try {
    auto image = seen.split->dataset->get(seen.index).image;
    seen.height = image.height, seen.width = image.width, seen.channels = image.channels;
    for (const int64_t side : {image.height, image.width, image.channels})
      for (int shift = 0; shift < 32; shift += 8)
        image.pixels.push_back(static_cast<uint8_t>(side >> shift));
    seen.digest = io::sha256(image.pixels);
  } catch (const Error& e) {
    seen.error = e.what();
  }
}

void look_at_all(std::vector<Seen>& all, int64_t threads, Progress& progress) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  std::exception_ptr failure;
  const auto work = [&] {
    for (size_t i = next++; i < all.size(); i = next++) {
      std::exception_ptr failed;
      try {
        look_at(all[i]);
      } catch (...) {  // such as too little memory
        failed = std::current_exception();
        next = all.size();
      }
      const std::lock_guard lock(mutex);
      if (failed) failure = failed;
      ++done;
      changed.notify_one();
    }
  };
  progress.begin("check", static_cast<int64_t>(all.size()));
  std::vector<std::thread> workers;
  for (int64_t k = 0; k < std::max<int64_t>(1, threads); ++k) workers.emplace_back(work);
  for (std::unique_lock lock(mutex); done < all.size() && !failure;) {
    changed.wait_for(lock, std::chrono::milliseconds(200));
    const auto so_far = static_cast<int64_t>(done);
    lock.unlock();
    progress.update(so_far, "");
    lock.lock();
  }
  for (auto& worker : workers) worker.join();
  progress.end();
  if (failure) std::rethrow_exception(failure);
}

void find_duplicates(const std::vector<Seen>& all, DataReport& report) {
  std::map<std::string, std::vector<const Seen*>> same;
  for (const auto& seen : all)
    if (!seen.digest.empty()) same[seen.digest].push_back(&seen);
  for (const auto& seen : all) {  // in the data's order
    if (seen.digest.empty()) continue;
    const auto& copies = same.at(seen.digest);
    if (copies.size() < 2 || copies.front() != &seen) continue;
    Duplicate duplicate;
    bool splits = false, labels = false;
    for (const auto* copy : copies) {
      duplicate.files.push_back(copy->file());
      duplicate.splits.push_back(copy->split->name);
      duplicate.labels.push_back(copy->label());
      splits = splits || copy->split != copies[0]->split;
      labels = labels || copy->label() != copies[0]->label();
    }
    if (splits)
      report.across_splits.push_back(std::move(duplicate));
    else if (labels)
      report.across_labels.push_back(std::move(duplicate));
    else
      report.repeated += static_cast<int64_t>(copies.size()) - 1;
  }
}

int64_t median_of(std::vector<int64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void find_sizes(const std::vector<Seen>& all, DataReport& report) {
  constexpr int64_t kLongest = 8, kArea = 64;
  std::vector<int64_t> areas;
  for (const auto& seen : all)
    if (!seen.digest.empty()) areas.push_back(seen.height * seen.width);
  const int64_t median = median_of(areas);
  for (const auto& seen : all) {
    if (seen.digest.empty()) continue;
    ++(seen.channels == 1 ? report.gray : report.colour);
    const int64_t area = seen.height * seen.width;
    const auto [shorter, longer] = std::minmax(seen.height, seen.width);
    if (longer >= kLongest * shorter || area > kArea * median || kArea * area < median)
      report.odd_sizes.push_back({seen.file(), seen.width, seen.height});
  }
}

void find_small_classes(const Dataset& train, DataReport& report) {
  constexpr int64_t kFew = 5, kShare = 20;
  const auto counts = count_labels(train);
  const int64_t median = median_of(counts);
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] < kFew || kShare * counts[c] < median)
      report.small_classes.push_back({train.classes()[c], counts[c]});
}

// "title: n", then the first lines.
template <class Item, class Line>
std::string paragraph(const std::string& title, const std::vector<Item>& items, const Line& line) {
  constexpr size_t kShown = 20;
  if (items.empty()) return "";
  std::string text = fmt::format("{}: {}\n", title, items.size());
  for (size_t i = 0; i < std::min(kShown, items.size()); ++i) text += "  " + line(items[i]) + "\n";
  if (items.size() > kShown)
    text += fmt::format("  and {} more (--format json has them all)\n", items.size() - kShown);
  return text;
}

std::string copies_text(const Duplicate& duplicate) {
  std::string text;
  for (size_t i = 0; i < duplicate.files.size(); ++i)
    text += fmt::format("{}{} ({}, {})", i == 0 ? "" : " = ", without_controls(duplicate.files[i]),
                        duplicate.splits[i], duplicate.labels[i]);
  return text;
}

}  // namespace

void Unreadable::visit(FieldVisitor& v) {
  v.field("file", file, "");
  v.field("error", error, "");
}
void Duplicate::visit(FieldVisitor& v) {
  v.field("files", files, "");
  v.field("splits", splits, "of each file");
  v.field("labels", labels, "of each file");
}
void SmallClass::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("images", images, "in train");
}
void OddSize::visit(FieldVisitor& v) {
  v.field("file", file, "");
  v.field("width", width, "pixels");
  v.field("height", height, "pixels");
}
void DataReport::visit(FieldVisitor& v) {
  v.group("summary", summary);
  v.list("unreadable", unreadable);
  v.list("across_splits", across_splits);
  v.list("across_labels", across_labels);
  v.field("repeated", repeated, "further copies within a class and a split");
  v.list("small_classes", small_classes);
  v.field("gray", gray, "images");
  v.field("colour", colour, "images");
  v.list("odd_sizes", odd_sizes);
  v.field("split_labels", split_labels, "classes whose names are those of splits");
  v.field("odd_labels", odd_labels, "classes whose names are no UTF-8, which training refuses");
}

DataReport check_data(const Splits& splits, int64_t threads, Progress& progress) {
  const std::vector<CheckedSplit> parts = {
      {"train", splits.train}, {"val", splits.val}, {"test", splits.test}};
  std::vector<Seen> all;
  for (const auto& part : parts)
    for (int64_t i = 0; part.dataset && i < part.dataset->size(); ++i) {
      all.emplace_back();
      all.back().split = &part;
      all.back().index = i;
    }
  look_at_all(all, threads, progress);
  DataReport report;
  report.summary = summary_of(splits);
  for (const auto& seen : all)
    if (seen.digest.empty()) report.unreadable.push_back({seen.file(), seen.error});
  find_duplicates(all, report);
  find_sizes(all, report);
  for (const auto& part : parts)
    if (part.dataset) {
      if (part.name == "train") find_small_classes(*part.dataset, report);
      for (const auto& name : part.dataset->classes()) {
        if (!split_of_name(name).empty()) report.split_labels.push_back(name);
        if (valid_utf8_prefix(name) < name.size()) report.odd_labels.push_back(name);
      }
      break;  // all have the same classes
    }
  return report;
}

std::string to_text(const DataReport& r) {
  std::string text = fmt::format("{} classes; images: {} train, {} val, {} test\n",
                                 r.summary.classes, r.summary.train, r.summary.val, r.summary.test);
  for (const auto& left_out : r.summary.left_out)
    text += fmt::format("Left out{}: {}\n", left_out.split == "all" ? "" : " of " + left_out.split,
                        to_text(left_out));
  text += paragraph("Unreadable images", r.unreadable, [](const auto& u) { return u.error; });
  text += paragraph("Images in more than one split", r.across_splits, copies_text);
  text += paragraph("Images with more than one label", r.across_labels, copies_text);
  if (r.repeated > 0)
    text += fmt::format("Further copies of an image within its class: {}\n", r.repeated);
  text += paragraph("Classes with few images in train", r.small_classes,
                    [](const auto& c) { return fmt::format("{} ({})", c.name, c.images); });
  if (r.gray > 0 && r.colour > 0)
    text += fmt::format("Mixed channels: {} images are gray, {} in colour\n", r.gray, r.colour);
  text += paragraph("Images of an unusual size", r.odd_sizes, [](const auto& o) {
    return fmt::format("{} ({} x {} pixels)", without_controls(o.file), o.width, o.height);
  });
  text += paragraph("Classes named like a split", r.split_labels,
                    [](const std::string& name) { return name; });
  text += paragraph("Classes whose names are no UTF-8, which training refuses", r.odd_labels,
                    [](const std::string& name) { return replace_invalid_utf8(name); });
  text += r.unreadable.empty() ? "Every image can be read.\n"
                               : fmt::format("{} image{} cannot be read.\n", r.unreadable.size(),
                                             r.unreadable.size() == 1 ? "" : "s");
  return text;
}

}  // namespace braid::data
