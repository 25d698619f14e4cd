#include "tests/evaluate/sentence_workload.h"

#include <new>

#include "braid/core/error.h"
#include "braid/data/loader.h"
#include "braid/models/macs.h"
#include "braid/models/vision/cost.h"
#include "braid/runtime/tensor_file.h"

namespace braid::test {
namespace {

constexpr int64_t kWords = 20, kLength = 6, kDim = 8;

// Words below kWords / 2 are of good mood; the majority decides.
std::shared_ptr<const Sentences> make_sentences(int64_t count, uint32_t seed) {
  auto sentences = std::make_shared<Sentences>();
  uint32_t noise = seed;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int64_t> words;
    int64_t good = 0;
    for (int64_t k = 0; k < kLength - 1; ++k) {
      noise = noise * 1664525u + 1013904223u;
      words.push_back((noise >> 16) % kWords);
      good += words.back() < kWords / 2;
    }
    words.push_back(0);  // says nothing
    sentences->words.push_back(words);
    sentences->labels.push_back(good > kLength / 2 - 1);
  }
  return sentences;
}

class SentenceCollate final : public data::Collate {
 public:
  explicit SentenceCollate(std::shared_ptr<const Sentences> sentences)
      : sentences_(std::move(sentences)) {}
  data::Batch operator()(const std::vector<int64_t>& indices, const Place&,
                         data::BadSamples&) const override {
    std::vector<torch::Tensor> ids;
    std::vector<int64_t> labels;
    for (const int64_t i : indices) {
      ids.push_back(torch::tensor(sentences_->words.at(static_cast<size_t>(i)), torch::kLong));
      labels.push_back(sentences_->labels.at(static_cast<size_t>(i)));
    }
    return {{{"input_ids", torch::stack(ids)}, {"labels", torch::tensor(labels, torch::kLong)}},
            indices};
  }

 private:
  std::shared_ptr<const Sentences> sentences_;
};

struct Answers {
  torch::Tensor probabilities, labels;  // [N,2], [N]
  double wrong() const {
    return 100 * probabilities.argmax(1).ne(labels).to(torch::kDouble).mean().item<double>();
  }
};

Answers answer(SentenceModel& model, const std::shared_ptr<const Sentences>& sentences) {
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> all(sentences->labels.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  data::BadSamples bad("error");
  const auto batch = SentenceCollate(sentences)(all, {}, bad);
  return {model.classify(batch.at("input_ids")).softmax(1), batch.at("labels")};
}

tasks::Score error_rate(double wrong) {
  return {.name = "error_rate",
          .unit = "%",
          .value = wrong,
          .low = std::max(0.0, wrong - 5),
          .high = std::min(100.0, wrong + 5),
          .higher_is_better = false};
}

class SentenceTask final : public tasks::Task {
 public:
  SentenceTask(std::string name, std::shared_ptr<const Sentences> train,
               std::shared_ptr<const Sentences> val, std::function<void()> before_step)
      : name_(std::move(name)),
        train_(std::move(train)),
        val_(std::move(val)),
        before_step_(std::move(before_step)),
        model_(name_.starts_with("conv")) {}
  std::string name() const override { return "mood"; }
  std::string items() const override { return "sentences"; }
  void visit_config(FieldVisitor& v) const override {
    std::string model = name_;
    v.field("model", model, "");
  }
  models::Model& model() override { return model_; }
  std::unique_ptr<data::Loader> training_loader(const tasks::TrainingData& o) const override {
    return std::make_unique<data::Loader>(
        std::make_shared<SentenceCollate>(train_),
        std::make_unique<data::Shuffled>(train_->size(), o.batch_size, o.seed),
        data::LoaderOptions{.workers = o.workers, .on_bad_sample = o.on_bad_sample});
  }
  torch::Tensor forward(const data::Batch& batch) override {
    return model_.classify(batch.at("input_ids"));
  }
  tasks::Step training_step(const data::Batch& batch) override {
    if (before_step_) before_step_();
    return {torch::nn::functional::cross_entropy(forward(batch), batch.at("labels")),
            static_cast<double>(batch.size())};
  }
  tasks::Scores evaluate(tasks::Split, const tasks::EvaluateOptions&, Progress&) override {
    return {error_rate(answer(model_, val_).wrong())};
  }
  void save(const std::filesystem::path& folder) const override {
    runtime::TensorMap tensors;
    for (const auto& p : model_.named_parameters()) tensors[p.key()] = p.value();
    runtime::save_tensors(tensors, folder / "model.safetensors");
  }

 private:
  std::string name_;
  std::shared_ptr<const Sentences> train_, val_;
  std::function<void()> before_step_;
  SentenceModel model_;
};

std::shared_ptr<SentenceModel> load(const TrainedRun& run) {
  auto model = std::make_shared<SentenceModel>(run.run.model.starts_with("conv"));
  const torch::NoGradGuard no_grad;
  const auto tensors =
      runtime::load_tensors(std::filesystem::path(run.checkpoint) / "model.safetensors");
  for (auto& p : model->named_parameters()) p.value().copy_(tensors.at(p.key()));
  return model;
}

Answers load_answers(const TrainedRun& run) {
  const auto tensors = runtime::load_tensors(run.predictions);
  return {tensors.at("probabilities"), tensors.at("labels")};
}

class SentenceInference final : public evaluate::Inference {
 public:
  explicit SentenceInference(std::shared_ptr<SentenceModel> model) : model_(std::move(model)) {}
  void set_batch(int64_t items) override { ids_ = torch::zeros({items, kLength}, torch::kLong); }
  void call() override {
    const torch::NoGradGuard no_grad;
    model_->classify(ids_);
  }

 private:
  std::shared_ptr<SentenceModel> model_;
  torch::Tensor ids_;
};

// Every word replaced by its neighbour.
class TypoProbe final : public evaluate::Probe {
 public:
  explicit TypoProbe(std::shared_ptr<const Sentences> test) : test_(std::move(test)) {}
  std::string name() const override { return "typos"; }
  void measure(const TrainedRun& run, evaluate::ModelResult& result) override {
    auto typos = std::make_shared<Sentences>(*test_);
    for (auto& words : typos->words)
      for (auto& word : words) word = (word + 1) % kWords;
    const auto model = load(run);
    result.robustness =
        evaluate::Robustness{.items = test_->size(),
                             .clean_score = answer(*model, test_).wrong(),
                             .corruptions = {{"typos", 1, answer(*model, typos).wrong()}},
                             .shuffled_patches = {}};
  }

 private:
  std::shared_ptr<const Sentences> test_;
};

}  // namespace

SentenceModel::SentenceModel(bool convolution)
    : embedding_(register_module("embedding", torch::nn::Embedding(kWords, kDim))),
      head_(register_module("head", torch::nn::Linear(kDim, 2))) {
  if (convolution)
    conv_ = register_module("conv",
                            torch::nn::Conv1d(torch::nn::Conv1dOptions(kDim, kDim, 3).padding(1)));
}

torch::Tensor SentenceModel::classify(const torch::Tensor& ids) {
  auto x = embedding_->forward(ids);  // [B,T,D]
  if (conv_) x = conv_->forward(x.transpose(1, 2)).relu().transpose(1, 2);
  return head_->forward(x.mean(1));
}

SentenceWorkload::SentenceWorkload()
    : train_(make_sentences(160, 1)), val_(make_sentences(60, 2)), test_(make_sentences(80, 3)) {
  summary_ = {.name = "moods",
              .items = "sentences",
              .classes = {"bad", "good"},
              .train = train_->size(),
              .val = val_->size(),
              .test = test_->size(),
              .test_split = "test",
              .channels = std::nullopt,
              .left_out = {}};
}

evaluate::Taxonomy SentenceWorkload::taxonomy(const std::string& model) const {
  return {model.starts_with("conv") ? "cnn" : "transformer", "none"};
}

evaluate::ModelProfile SentenceWorkload::profile(const std::string& model) const {
  if (model.starts_with("boom")) throw std::bad_alloc();
  SentenceModel made(model.starts_with("conv"));
  const int64_t macs = models::count_macs([&] {
    made.classify(torch::zeros({1, kLength}, torch::kLong));
  });
  return {.name = model,
          .taxonomy = taxonomy(model),
          .params = models::count_parameters(made),
          .macs = macs,
          .train_macs = macs,
          .input_size = {kLength},
          .forward_items_per_s = 1000,
          .train_items_per_s = 300};
}

train::Recipe SentenceWorkload::recipe(const Run&) const {
  train::Recipe recipe{.name = "plain", .reason = "a test", .config = {}};
  recipe.config.run.batch_size = 16;
  recipe.config.run.optimizer.lr = 0.02;
  return recipe;
}

int64_t SentenceWorkload::training_items(const Run& run) const {
  return static_cast<int64_t>(run.fraction * static_cast<double>(train_->size()));
}

std::unique_ptr<tasks::Task> SentenceWorkload::make_task(const Run& run,
                                                         const std::filesystem::path&,
                                                         Progress&) const {
  if (run.model == "sick") throw DataError("test", "cannot be read", "moods");
  ++trainings;
  auto part = std::make_shared<Sentences>(*train_);
  part->words.resize(static_cast<size_t>(training_items(run)));
  part->labels.resize(static_cast<size_t>(training_items(run)));
  torch::manual_seed(run.seed);
  return std::make_unique<SentenceTask>(run.model, part, val_, before_step);
}

evaluate::TestResult SentenceWorkload::evaluate(const TrainedRun& run, Progress&) const {
  const auto answers = answer(*load(run), test_);
  runtime::save_tensors({{"probabilities", answers.probabilities}, {"labels", answers.labels}},
                        run.predictions);
  return {.scores = {error_rate(answers.wrong())},
          .count = test_->size(),
          .confusion = std::nullopt,
          .misclassified = {{.file = "moods[0]",
                             .label = "good",
                             .prediction = "bad",
                             .image_png = std::nullopt,
                             .text = "not bad at all"}}};
}

std::unique_ptr<evaluate::Inference> SentenceWorkload::inference(const TrainedRun& run) const {
  return std::make_unique<SentenceInference>(load(run));
}

std::vector<std::unique_ptr<evaluate::Probe>> SentenceWorkload::probes(Progress&) const {
  std::vector<std::unique_ptr<evaluate::Probe>> probes;
  probes.push_back(std::make_unique<TypoProbe>(test_));
  return probes;
}

std::optional<evaluate::Joined> SentenceWorkload::join(
    const std::vector<TrainedRun>& cnn, const std::vector<TrainedRun>& transformer) const {
  const auto a = load_answers(cnn.front()), b = load_answers(transformer.front());
  const Answers both{(a.probabilities + b.probabilities) / 2, a.labels};
  return evaluate::Joined{
      .late_fusion = error_rate(both.wrong()),
      .overlap = {.both_right = 100 - both.wrong(), .both_wrong = both.wrong()}};
}

}  // namespace braid::test
