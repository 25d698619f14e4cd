#include "braid/runner/braid_run.h"

#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/runner/session.h"
#include "braid/runner/translator.h"

struct BraidRunModel {
  std::unique_ptr<braid::runner::Session> session;
  std::vector<braid::runner::Tensor> outputs;
};

struct BraidRunTranslator {
  braid::runner::Translator translator;
  std::string text;
};

namespace {

using braid::runner::DType;
using braid::runner::FileValue;
using braid::runner::Tensor;

std::string& last_error() {
  thread_local std::string message;
  return message;
}

// Runs f; an exception becomes its exit code and a message.
template <class F>
int guarded_call(const F& f) noexcept {
  try {
    last_error().clear();
    f();
    return 0;
  } catch (const braid::Error& e) {
    last_error() = e.what();
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    last_error() = e.what();
  } catch (...) {
    last_error() = "an unknown exception";
  }
  return static_cast<int>(braid::ExitCode::kInternal);
}

BraidRunTensor described_value(const std::vector<FileValue>& values, size_t index) {
  if (index >= values.size()) return {};
  const FileValue& value = values[index];
  return {value.name.c_str(), static_cast<BraidRunType>(value.dtype), value.dims.size(),
          value.dims.data(), nullptr};
}

[[noreturn]] void refuse_argument(const std::string& expected, const std::string& got) {
  throw braid::DataError("runner", "expected " + expected + ", got " + got);
}

Tensor copied(const braid::runner::Session& session, const BraidRunTensor& given) {
  if (!braid::runner::is_supported(static_cast<int32_t>(given.type)))
    refuse_argument("a type of BraidRunType", std::to_string(given.type));
  if (given.rank > 0 && given.dims == nullptr) refuse_argument("dims", "none");
  if (given.rank > 64) refuse_argument("at most 64 dimensions", std::to_string(given.rank));
  Tensor tensor = session.make(static_cast<DType>(given.type),
                               braid::runner::Dims(given.dims, given.dims + given.rank));
  if (tensor.count() > 0 && given.data == nullptr) refuse_argument("data", "none");
  if (tensor.count() > 0) std::memcpy(tensor.raw(), given.data, tensor.byte_size());
  return tensor;
}

braid::runner::TranslatorOptions options_of(const BraidRunSearch* search, int threads) {
  braid::runner::TranslatorOptions options;
  options.session.threads = threads;
  if (search == nullptr) return options;
  options.num_beams = search->num_beams;
  options.max_length = search->max_length;
  return options;
}

std::span<const uint8_t> given_bytes(const void* bytes, size_t size, const char* of) {
  if (bytes == nullptr) refuse_argument(std::string("the bytes of ") + of, "none");
  return {static_cast<const uint8_t*>(bytes), size};
}

}  // namespace

BraidRunModel* braid_run_open_file(const char* file, int threads) {
  BraidRunModel* model = nullptr;
  guarded_call([&] {
    if (file == nullptr) refuse_argument("a file", "none");
    auto opened = std::make_unique<BraidRunModel>();
    opened->session = braid::runner::Session::open(file, {.threads = threads});
    model = opened.release();
  });
  return model;
}

BraidRunModel* braid_run_open_memory(const void* bytes, size_t size, int threads) {
  BraidRunModel* model = nullptr;
  guarded_call([&] {
    const auto given = given_bytes(bytes, size, "a model");
    auto opened = std::make_unique<BraidRunModel>();
    opened->session = braid::runner::Session::of_bytes(given, "memory", {.threads = threads});
    model = opened.release();
  });
  return model;
}

void braid_run_free(BraidRunModel* model) { delete model; }

size_t braid_run_input_count(const BraidRunModel* model) {
  return model == nullptr ? 0 : model->session->inputs().size();
}
size_t braid_run_output_count(const BraidRunModel* model) {
  return model == nullptr ? 0 : model->session->outputs().size();
}
BraidRunTensor braid_run_input(const BraidRunModel* model, size_t index) {
  return model == nullptr ? BraidRunTensor{} : described_value(model->session->inputs(), index);
}
BraidRunTensor braid_run_output(const BraidRunModel* model, size_t index) {
  return model == nullptr ? BraidRunTensor{} : described_value(model->session->outputs(), index);
}

const char* braid_run_metadata(const BraidRunModel* model, const char* key) {
  const char* text = nullptr;
  guarded_call([&] {
    if (model == nullptr) refuse_argument("a model", "none");
    const auto it = model->session->metadata().find(key == nullptr ? "" : key);
    if (it != model->session->metadata().end()) text = it->second.c_str();
  });
  return text;
}

int braid_run(BraidRunModel* model, const BraidRunTensor* inputs, size_t input_count,
              BraidRunTensor* outputs, size_t output_count) {
  return guarded_call([&] {
    if (model == nullptr) refuse_argument("a model", "none");
    if (output_count != model->session->outputs().size())
      refuse_argument(std::to_string(model->session->outputs().size()) + " outputs",
                      std::to_string(output_count));
    if (inputs == nullptr && input_count > 0) refuse_argument("inputs", "none");
    if (outputs == nullptr && output_count > 0) refuse_argument("a place for outputs", "none");
    std::map<std::string, Tensor> given;
    for (size_t i = 0; i < input_count; ++i) {
      if (inputs[i].name == nullptr) refuse_argument("an input's name", "none");
      if (!given.emplace(inputs[i].name, copied(*model->session, inputs[i])).second)
        refuse_argument("each input once", "'" + std::string(inputs[i].name) + "' twice");
    }
    model->outputs = model->session->run(given);
    for (size_t i = 0; i < output_count; ++i) {
      const Tensor& tensor = model->outputs[i];
      outputs[i] = {model->session->outputs()[i].name.c_str(),
                    static_cast<BraidRunType>(tensor.dtype()), tensor.dims().size(),
                    tensor.dims().data(), tensor.raw()};
    }
  });
}

BraidRunTranslator* braid_run_open_translator(const char* folder, const BraidRunSearch* search,
                                              int threads) {
  BraidRunTranslator* translator = nullptr;
  guarded_call([&] {
    if (folder == nullptr) refuse_argument("a folder", "none");
    translator = new BraidRunTranslator{
        braid::runner::Translator::open(folder, options_of(search, threads)), ""};
  });
  return translator;
}

BraidRunTranslator* braid_run_open_translator_memory(const void* encoder, size_t encoder_size,
                                                     const void* decoder, size_t decoder_size,
                                                     const BraidRunSearch* search, int threads) {
  BraidRunTranslator* translator = nullptr;
  guarded_call([&] {
    const auto reads = given_bytes(encoder, encoder_size, "an encoder");
    const auto writes = given_bytes(decoder, decoder_size, "a decoder");
    translator = new BraidRunTranslator{
        braid::runner::Translator::of_bytes(reads, writes, options_of(search, threads)), ""};
  });
  return translator;
}

BraidRunTranslator* braid_run_open_translator_memory_with_past(
    const void* encoder, size_t encoder_size, const void* decoder, size_t decoder_size,
    const void* decoder_with_past, size_t decoder_with_past_size, const BraidRunSearch* search,
    int threads) {
  BraidRunTranslator* translator = nullptr;
  guarded_call([&] {
    const auto reads = given_bytes(encoder, encoder_size, "an encoder");
    const auto writes = given_bytes(decoder, decoder_size, "a decoder");
    const auto goes_on =
        given_bytes(decoder_with_past, decoder_with_past_size, "a decoder with past");
    if (goes_on.empty()) refuse_argument("the bytes of a decoder with past", "none");
    translator = new BraidRunTranslator{
        braid::runner::Translator::of_bytes(reads, writes, options_of(search, threads), goes_on),
        ""};
  });
  return translator;
}

void braid_run_free_translator(BraidRunTranslator* translator) { delete translator; }

int braid_run_translate(BraidRunTranslator* translator, const char* text,
                        BraidRunTranslation* translation) {
  return guarded_call([&] {
    if (translator == nullptr) refuse_argument("a translator", "none");
    if (text == nullptr || translation == nullptr)
      refuse_argument("a text and a place for its translation", "none");
    auto translated = translator->translator.translate(text);
    translator->text = std::move(translated.text);
    *translation = {translator->text.c_str(), translator->text.size(), translated.score,
                    translated.cut ? 1 : 0};
  });
}

const char* braid_run_error(void) { return last_error().c_str(); }
