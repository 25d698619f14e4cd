// Images per second of the loader alone: decoding, augmentation and normalization, as in training.
//
//   bench_loader [--workers 2] [--seconds 3]
//
// small: gray images of 28 pixels from memory, pad-crop and flip. large: JPEG files of 256 pixels
// from a folder, random-resized-crop to 224 and flip. No model runs beside it: compare with the
// training speed of the fastest model on the same cores.
#include <fmt/format.h>
#include <unistd.h>

#include <turbojpeg.h>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "braid/data/image/image_collate.h"
#include "braid/data/sources.h"

namespace {

namespace fs = std::filesystem;
using namespace braid;

class SmallImages final : public data::Dataset {
 public:
  int64_t size() const override { return 50000; }
  data::Example get(int64_t index) const override {
    data::Example e;
    e.label = label(index);
    e.image = {.height = 28,
               .width = 28,
               .channels = 1,
               .pixels = std::vector<uint8_t>(784, static_cast<uint8_t>(index))};
    return e;
  }
  int64_t label(int64_t index) const override { return index % 10; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<std::string> classes_ = std::vector<std::string>(10, "class");
};

// 200 JPEG files with the detail of a photograph, quality 90.
void write_photographs(const fs::path& folder) {
  const tjhandle handle = tjInitCompress();
  std::vector<uint8_t> pixels(256 * 256 * 3);
  for (int file = 0; file < 200; ++file) {
    uint32_t noise = static_cast<uint32_t>(file) * 2654435761u + 1;
    for (size_t i = 0; i < pixels.size(); ++i) {
      noise = noise * 1664525u + 1013904223u;
      const size_t column = i / 3 % 256, row = i / 768;
      const auto x = static_cast<double>(column), y = static_cast<double>(row);
      pixels[i] = static_cast<uint8_t>(128 + 60 * std::sin(x / 17 + file) + 40 * std::cos(y / 11) +
                                       (noise >> 24) % 24);
    }
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    tjCompress2(handle, pixels.data(), 256, 0, 256, TJPF_RGB, &bytes, &size, TJSAMP_420, 90, 0);
    const auto path = folder / (file % 2 == 0 ? "a" : "b") / (std::to_string(file) + ".jpg");
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes), static_cast<long>(size));
    tjFree(bytes);
  }
  tjDestroy(handle);
}

double images_per_s(const data::DatasetPtr& dataset, const data::InputConfig& input,
                    int64_t workers, double seconds) {
  const auto made = data::make_image_loader(
      dataset,
      {.batch_size = 64, .workers = workers, .input = input, .training = data::TrainingImages{}});
  auto& loader = *made;
  int64_t images = 0, epoch = 0;
  loader.start_epoch(epoch);
  for (int i = 0; i < 2; ++i) loader.next();  // warm-up
  const auto start = std::chrono::steady_clock::now();
  double elapsed = 0;
  while (elapsed < seconds) {
    const auto batch = loader.next();
    if (batch)
      images += batch->size();
    else
      loader.start_epoch(++epoch);
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return static_cast<double>(images) / elapsed;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> args = {{"--workers", "2"}, {"--seconds", "3"}};
  for (int i = 1; i + 1 < argc; i += 2) args[argv[i]] = argv[i + 1];
  const int64_t workers = std::stoll(args["--workers"]);
  const double seconds = std::stod(args["--seconds"]);
  data::InputConfig gray;
  gray.channels = 1;
  gray.height = gray.width = 28;
  gray.mean = {0.5};
  gray.std = {0.25};
  gray.crop_pct = 1;
  const fs::path folder = fs::temp_directory_path() / ("braid_bench_" + std::to_string(::getpid()));
  write_photographs(folder);
  fmt::print("loader, {} workers\n{:40} {:>9.0f} images/s\n", workers,
             "small: 28 px gray, pad-crop",
             images_per_s(std::make_shared<SmallImages>(), gray, workers, seconds));
  fmt::print(
      "{:40} {:>9.0f} images/s\n", "large: 256 px JPEG, random-resized-crop",
      images_per_s(data::open_image_folder(folder).train, data::InputConfig(), workers, seconds));
  fs::remove_all(folder);
}
