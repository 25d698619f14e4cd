// The loader: the same batches whatever the number of workers, resumable within an epoch, tolerant
// where asked to be; and the datasets behind it.
#include "braid/data/image/image_collate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/catalog.h"
#include "braid/data/each_index.h"
#include "braid/data/image/statistics.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

class Numbered final : public Dataset {
 public:
  int64_t size() const override { return 50; }
  Example get(int64_t index) const override {
    if (index == bad) throw DataError("test", "broken", describe(index));
    Example e;
    e.label = label(index);
    e.image = {.height = 8, .width = 8, .channels = 3, .pixels = std::vector<uint8_t>(192)};
    for (size_t k = 0; k < 192; ++k)
      e.image.pixels[k] = static_cast<uint8_t>(static_cast<size_t>(index) * 3 + k);
    return e;
  }
  int64_t label(int64_t index) const override { return index % 5; }
  std::string describe(int64_t index) const override { return "image" + std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 3; }
  int64_t bad = -1;

 private:
  std::vector<std::string> classes_ = {"a", "b", "c", "d", "e"};
};

ImageLoaderOptions options(int64_t workers) {
  ImageLoaderOptions o;
  o.batch_size = 8;
  o.workers = workers;
  o.input.height = o.input.width = 8;
  TrainingImages training{.augment = {}, .label_smoothing = 0.1, .seed = 4};
  training.augment.aa = "rand-m9-n2-mstd0.5";
  training.augment.reprob = 0.5;
  training.augment.mixup = 0.8;
  training.augment.cutmix = 1.0;
  o.training = training;
  return o;
}

std::vector<Batch> epoch(Loader& loader, int64_t number, int64_t first = 0) {
  std::vector<Batch> batches;
  loader.start_epoch(number, first);
  while (auto batch = loader.next()) batches.push_back(*batch);
  return batches;
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.indices, b.indices);
  for (const char* key : {kPixelValues, kLabels, kSoftLabels})
    EXPECT_TRUE(a.at(key).equal(b.at(key))) << key;
}

TEST(LoaderTest, TheSameBatchesForAnyNumberOfWorkers) {
  const auto dataset = std::make_shared<Numbered>();
  const auto alone = make_image_loader(dataset, options(0));
  const auto expected = epoch(*alone, 2);
  ASSERT_EQ(expected.size(), 6u) << "the last partial batch is left out";
  for (const int64_t workers : {1, 3, 7}) {
    const auto loader = make_image_loader(dataset, options(workers));
    epoch(*loader, 1);  // another epoch before changes nothing
    const auto batches = epoch(*loader, 2);
    ASSERT_EQ(batches.size(), expected.size());
    for (size_t i = 0; i < batches.size(); ++i) expect_same(batches[i], expected[i]);
  }
}

TEST(LoaderTest, AResumeWithinAnEpochGivesItsTail) {
  const auto dataset = std::make_shared<Numbered>();
  const auto loader = make_image_loader(dataset, options(2));
  const auto whole = epoch(*loader, 3), tail = epoch(*loader, 3, 4);
  ASSERT_EQ(tail.size(), 2u);
  for (size_t i = 0; i < 2; ++i) expect_same(tail[i], whole[4 + i]);
}

TEST(LoaderTest, EpochsAreShuffledAndComplete) {
  const auto dataset = std::make_shared<Numbered>();
  auto o = options(2);
  const auto loader = make_image_loader(dataset, o);
  const auto one = epoch(*loader, 0), two = epoch(*loader, 1);
  EXPECT_NE(one[0].indices, two[0].indices);
  std::set<int64_t> seen;
  for (const auto& batch : one) seen.insert(batch.indices.begin(), batch.indices.end());
  EXPECT_EQ(seen.size(), 48u) << "no image twice";
  o.training.reset();
  const auto evaluation = make_image_loader(dataset, o);
  int64_t next = 0;
  for (const auto& batch : epoch(*evaluation, 0))
    for (const int64_t index : batch.indices) EXPECT_EQ(index, next++);
  EXPECT_EQ(next, 50);
}

TEST(LoaderTest, ABalancedEpochAugmentsEachOfItsRepeatsAnew) {
  const auto dataset = std::make_shared<Numbered>();
  const auto balanced = [&](int64_t workers) {
    auto o = options(workers);
    o.training->augment = {};
    o.training->augment.crop_padding = 3;
    o.training->balanced = true;
    return make_image_loader(dataset, o);
  };
  const auto batches = epoch(*balanced(0), 2);
  ASSERT_EQ(batches.size(), 6u);
  const auto parallel = epoch(*balanced(3), 2), tail = epoch(*balanced(2), 2, 4);
  ASSERT_EQ(parallel.size(), 6u);
  ASSERT_EQ(tail.size(), 2u);
  const auto same = [](const Batch& a, const Batch& b) {
    return a.indices == b.indices && a.at(kPixelValues).equal(b.at(kPixelValues));
  };
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(same(parallel[i], batches[i])) << i;
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(same(tail[i], batches[4 + i])) << i;
  int64_t repeats = 0, alike = 0;
  std::map<int64_t, torch::Tensor> before;
  for (const auto& batch : batches)
    for (int64_t row = 0; row < batch.size(); ++row) {
      const int64_t index = batch.indices[static_cast<size_t>(row)];
      const auto pixels = batch.at(kPixelValues)[row];
      EXPECT_EQ(batch.at(kLabels)[row].item<int64_t>(), index % 5);
      if (const auto found = before.find(index); found != before.end()) {
        ++repeats;
        alike += found->second.equal(pixels) ? 1 : 0;
      }
      before[index] = pixels;
    }
  EXPECT_GT(repeats, 8) << "drawn with replacement";
  EXPECT_LT(alike, repeats / 2);
}

TEST(LoaderTest, AnAlternatingFlipShowsTwoEpochsBothSidesOfEachImage) {
  const auto dataset = std::make_shared<Numbered>();
  const auto pixels = [&](int64_t workers, int64_t number) {
    auto o = options(workers);
    o.batch_size = 50;
    o.training->augment = {};
    o.training->augment.train_crop = "none";
    o.training->augment.alternate_flip = true;
    const auto batch = epoch(*make_image_loader(dataset, o), number).at(0);
    std::map<int64_t, torch::Tensor> of_index;
    for (int64_t row = 0; row < batch.size(); ++row)
      of_index[batch.indices[static_cast<size_t>(row)]] = batch.at(kPixelValues)[row];
    return of_index;
  };
  const auto even = pixels(0, 2), odd = pixels(2, 3), again = pixels(1, 4);
  ASSERT_EQ(even.size(), 50u);
  int64_t as_stored = 0;
  for (const auto& [index, image] : even) {  // [C,H,W]
    EXPECT_TRUE(odd.at(index).equal(image.flip(2))) << index;
    EXPECT_TRUE(again.at(index).equal(image)) << index;
    as_stored += image[0][0][0].item<double>() < image[0][0][7].item<double>() ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(as_stored), 25, 12);
}

TEST(LoaderTest, MixedTargetsAreDistributions) {
  const auto loader = make_image_loader(std::make_shared<Numbered>(), options(1));
  for (const auto& batch : epoch(*loader, 0)) {
    ASSERT_TRUE(batch.has(kSoftLabels));
    EXPECT_TRUE(batch.at(kSoftLabels).sum(1).allclose(torch::ones({8}), 1e-5, 1e-5));
    EXPECT_GE(batch.at(kSoftLabels).min().item<double>(), 0.1 / 5 - 1e-6)
        << "label smoothing is in it";
  }
}

TEST(LoaderTest, BadSamplesAreErrorsOrCounted) {
  const auto dataset = std::make_shared<Numbered>();
  dataset->bad = 17;
  const auto strict = make_image_loader(dataset, options(2));
  EXPECT_THROW(epoch(*strict, 0), DataError);
  auto o = options(2);
  o.on_bad_sample = "skip";
  const auto tolerant = make_image_loader(dataset, o);
  o.training.reset();
  const auto evaluation = make_image_loader(dataset, o);
  int64_t images = 0;
  for (const auto& batch : epoch(*evaluation, 0)) images += batch.size();
  EXPECT_EQ(images, 49);
  EXPECT_EQ(evaluation->bad_samples(), 1);
  ASSERT_EQ(evaluation->bad_sample_messages().size(), 1u);
  EXPECT_NE(evaluation->bad_sample_messages()[0].find("image17"), std::string::npos);
  epoch(*evaluation, 1);
  EXPECT_EQ(evaluation->bad_samples(), 1) << "the same one";
  EXPECT_EQ(evaluation->bad_indices(), std::vector<int64_t>{17});
}

TEST(DatasetTest, TheFirstImageIsOneThatCanBeRead) {
  Numbered dataset;
  dataset.bad = 0;
  EXPECT_EQ(first_image(dataset).pixels, dataset.get(1).image.pixels);
  const auto only_bad = std::make_shared<Numbered>(dataset);
  EXPECT_THROW(first_image(*subset(only_bad, {0, 0})), DataError);
  EXPECT_THROW(first_image(*subset(only_bad, {})), DataError);
}

// A batch of which nothing can be read is not there, but a resume must count it.
TEST(LoaderTest, PositionCountsBatchesThatWereLeftOut) {
  class HalfBad final : public Collate {
   public:
    Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                     BadSamples& bad) const override {
      Batch batch;
      for (const int64_t index : indices)
        if (bad.guard([&] {
              if (place.batch % 2 == 0) throw DataError("test", "broken");
            }))
          batch.indices.push_back(index);
      return batch;
    }
  };
  for (const int64_t workers : {0, 2}) {
    Loader loader(std::make_shared<HalfBad>(), std::make_unique<Sequential>(10, 2),
                  {.workers = workers, .on_bad_sample = "skip"});
    loader.start_epoch(0);
    EXPECT_EQ(loader.position(), 0);
    EXPECT_EQ(loader.next()->indices, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(loader.position(), 2);
    EXPECT_EQ(loader.next()->indices, (std::vector<int64_t>{6, 7}));
    EXPECT_FALSE(loader.next());
    EXPECT_EQ(loader.position(), loader.size());
    EXPECT_EQ(loader.bad_samples(), 6);
    loader.start_epoch(0, 2);
    EXPECT_EQ(loader.next()->indices, (std::vector<int64_t>{6, 7}));
  }
  EXPECT_THROW(BadSamples("hide"), ConfigError);
}

TEST(BatchTest, SaysWhatIsThere) {
  const Batch batch{{{kPixelValues, torch::zeros({2, 1, 4, 4})}}, {5, 6}};
  EXPECT_EQ(batch.size(), 2);
  EXPECT_FALSE(batch.has(kLabels));
  EXPECT_EQ(batch.to(torch::kCPU).at(kPixelValues).size(2), 4);
  try {
    batch.at(kLabels);
    FAIL() << "no error";
  } catch (const InternalError& e) {
    EXPECT_NE(std::string(e.what()).find("pixel_values"), std::string::npos) << e.what();
  }
}

// Counts how often an image is decoded.
class Counted final : public Dataset {
 public:
  int64_t size() const override { return parent_.size(); }
  Example get(int64_t index) const override {
    ++decoded;
    return parent_.get(index);
  }
  int64_t label(int64_t index) const override { return parent_.label(index); }
  std::string describe(int64_t index) const override { return parent_.describe(index); }
  const std::vector<std::string>& classes() const override { return parent_.classes(); }
  int64_t channels() const override { return 3; }
  mutable std::atomic<int64_t> decoded{0};

 private:
  Numbered parent_;
};

TEST(Statistics, AreMeasuredOncePerDataset) {
  const auto dataset = std::make_shared<Counted>();
  SharedStatistics shared(dataset);
  const auto one = shared.get(), two = shared.get();
  EXPECT_EQ(dataset->decoded, dataset->size());
  EXPECT_EQ(one.mean, two.mean);
  const auto measured = measure_statistics(*dataset);
  EXPECT_EQ(one.mean, measured.mean);
  EXPECT_EQ(one.std, measured.std);
  // Image i's pixel k is 3 i + k modulo 256.
  double sum = 0;
  for (int i = 0; i < 50; ++i)
    for (int k = 0; k < 192; k += 3) sum += (3 * i + k) % 256 / 255.0;
  EXPECT_NEAR(one.mean[0], sum / (50 * 64), 1e-4);
}

TEST(Sampling, SharesAreNestedAndStratified) {
  const DatasetPtr dataset = std::make_shared<Numbered>();
  const auto tenth = sample_fraction(dataset, 0.1, 7), third = sample_fraction(dataset, 0.3, 7);
  const auto names = [](const DatasetPtr& d) {
    std::set<std::string> set;
    for (int64_t i = 0; i < d->size(); ++i) set.insert(d->describe(i));
    return set;
  };
  EXPECT_EQ(tenth->size(), 5);
  EXPECT_EQ(third->size(), 15);
  const auto small = names(tenth), large = names(third);
  EXPECT_TRUE(std::includes(large.begin(), large.end(), small.begin(), small.end()));
  std::vector<int> per_class(5);
  for (int64_t i = 0; i < 15; ++i) ++per_class[static_cast<size_t>(third->label(i))];
  for (const int n : per_class) EXPECT_EQ(n, 3);
}

class Folder : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void image(const std::string& name) const {
    fs::create_directories((root_ / name).parent_path());
    const io::Image pixels{
        .height = 4, .width = 4, .channels = 3, .pixels = std::vector<uint8_t>(48, 9)};
    const auto png = io::encode_png(pixels);
    std::ofstream(root_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<long>(png.size()));
  }
  fs::path root_ = fs::temp_directory_path() / ("braid_folder_" + std::to_string(::getpid()));
};

TEST_F(Folder, ClassesAreSortedFolders) {
  for (const char* name :
       {"train/dog/1.png", "train/cat/1.png", "train/cat/2.png", "valid/cat/1.png",
        "valid/dog/1.png", "test/dog/9.png", "test/cat/1.png"})
    image(name);
  const auto splits = open_dataset(root_.string());
  EXPECT_EQ(splits.train->classes(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(splits.train->size(), 3);
  EXPECT_EQ(splits.val->size(), 2);
  EXPECT_EQ(splits.test->size(), 2);
  EXPECT_NE(splits.train->describe(0).find("1.png"), std::string::npos);
}

TEST_F(Folder, AValSplitIsMadeTheSameWayEveryTime) {
  for (int i = 0; i < 20; ++i) {
    image("a/" + std::to_string(i) + ".png");
    image("b/" + std::to_string(i) + ".png");
  }
  const auto one = open_dataset(root_.string(), {.val_fraction = 0.2});
  const auto two = open_dataset(root_.string(), {.val_fraction = 0.2});
  EXPECT_EQ(one.val->size(), 8);
  EXPECT_EQ(one.train->size(), 32);
  EXPECT_EQ(one.test, nullptr);
  for (int64_t i = 0; i < 8; ++i) EXPECT_EQ(one.val->describe(i), two.val->describe(i));
}

TEST_F(Folder, FaultsNameTheFolder) {
  EXPECT_THROW(open_dataset((root_ / "nowhere").string()), IoError);
  EXPECT_THROW(open_dataset(root_.string()), DataError) << "nothing in it";
  fs::create_directories(root_ / "hollow");
  try {
    open_dataset(root_.string());
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("hollow"), std::string::npos) << e.what();
  }
}

TEST_F(Folder, TheCatalogueChecksWhatItFetches) {
  Progress silent;
  EXPECT_THROW(fetch_dataset("fashion-mnits", root_, "", silent), UsageError);
  for (const auto& file : catalog().at(0).files) std::ofstream(root_ / file.name) << "not the data";
  try {
    fetch_dataset("fashion-mnist", root_ / "home", "file://" + root_.string(), silent);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("SHA-256"), std::string::npos) << e.what();
  }
  EXPECT_TRUE(fs::is_empty(root_ / "home/fashion-mnist")) << "nothing unproved is kept";
}

TEST_F(Folder, FashionMnistFromDebiansFiles) {
  const fs::path debian = "/usr/share/datasets/fashion-mnist";
  if (!fs::exists(debian)) GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
  Progress silent;
  const auto folder = fetch_dataset("fashion-mnist", root_, "file://" + debian.string(), silent);
  const auto splits = open_idx(folder);
  EXPECT_EQ(splits.train->size(), 60000);
  EXPECT_EQ(splits.test->size(), 10000);
}

TEST(ForEachIndex, DoesEachOnceInAnyNumberOfThreads) {
  for (const int64_t threads : {0, 1, 3, 64}) {
    std::vector<std::atomic<int>> seen(200);
    for_each_index(seen.size(), threads, [&](size_t i) { ++seen[i]; });
    for (const auto& times : seen) EXPECT_EQ(times, 1) << threads;
  }
  for_each_index(0, 3, [](size_t) { FAIL(); });
}

TEST(ForEachIndex, RethrowsAndLeavesTheRestOut) {
  for (const int64_t threads : {1, 3}) {
    std::atomic<int64_t> done = 0;
    EXPECT_THROW(for_each_index(1'000'000, threads,
                                [&](size_t i) {
                                  if (i == 10) throw DataError("test", "broken");
                                  ++done;
                                }),
                 DataError);
    EXPECT_LT(done, 1'000'000) << threads;
  }
}

}  // namespace
}  // namespace braid::data
