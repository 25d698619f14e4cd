#include "braid/text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/text/json_field.h"
#include "braid/text/post_processor.h"
#include "braid/text/sentencepiece_check.h"
#include "braid/text/tokenizer_config.h"
#include "braid/text/utf8.h"
#include "braid/text/vocabulary.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported, but in no installed header
}

namespace braid::text {
namespace {

namespace fs = std::filesystem;

constexpr int kOnlyErrors = 2;
constexpr size_t kMaxPieceText = 1u << 28;          // bytes of a text
constexpr const char* kSourceModel = "source.spm";  // Marian's
constexpr const char* kTargetModel = "target.spm";
constexpr std::string_view kWordBegin = "\u2581";

std::string bytes_of(const fs::path& file) {
  const auto bytes = io::read_file(file, kMaxModelBytes);
  return {bytes.begin(), bytes.end()};
}

// Tokenizers of transformers that number the pieces of their model otherwise than it does, or
// surround a text with other tokens: their numbers would mean other words to the weights.
constexpr std::string_view kOtherTokenizers[] = {
    "Albert",  "Barthez", "BigBird", "Camembert", "DebertaV2", "FNet",       "M2M100", "MBart",
    "MBart50", "Nllb",    "Pegasus", "RemBert",   "XGLM",      "XLMRoberta", "XLNet"};
constexpr const char* kNumberedOtherwise = "sentencepiece.bpe.model";  // their name for it

// What a model leaves of the pieces that it does not know, made text: MarianTokenizer's last step.
std::string without_word_begins(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const bool begin = text.starts_with(kWordBegin);
    plain += begin ? ' ' : text[0];
    text.remove_prefix(begin ? kWordBegin.size() : 1);
  }
  constexpr const char* kWhite = " \t\n\v\f\r";
  const auto first = plain.find_first_not_of(kWhite);
  return first == std::string::npos
             ? ""
             : plain.substr(first, plain.find_last_not_of(kWhite) + 1 - first);
}

// A model's file, checked, and how the library reads it.
struct CheckedModel {
  CheckedModel(std::string model, std::string name)
      : file(std::move(name)), bytes(std::move(model)) {
    pieces = check_sentencepiece_model(bytes, file);
    silence_sentencepiece();
    const auto status = processor.LoadFromSerializedProto(bytes);
    if (!status.ok())
      throw DataError(
          "sentencepiece",
          fmt::format("expected a SentencePiece model, got another file ({})", status.message()),
          file, "give a model that SentencePiece has trained");
  }

  std::string file, bytes;
  std::vector<ModelPiece> pieces;
  sentencepiece::SentencePieceProcessor processor;
};

class SentencePieceTokenizer final : public Tokenizer {
 public:
  // folder: of the files beside the model; none: there are none.
  SentencePieceTokenizer(std::string model, std::string name, const fs::path* folder)
      : model_(std::move(model), std::move(name)) {
    if (folder) {
      read_config(*folder);
      refuse_other_tokenizers();
      read_marian(*folder);
    }
    find_special_tokens();
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    return encode_by(model_, {text}, options);
  }
  Encoding encode_pair(std::string_view text, std::string_view pair,
                       const EncodeOptions& options) const override {
    return encode_by(model_, {text, pair}, options);
  }
  Encoding encode_target(std::string_view text, const EncodeOptions& options) const override {
    return encode_by(target_model(), {text}, options);
  }

  std::string decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const override {
    std::string text;
    std::vector<std::string> pieces;
    const auto flush = [&] {
      if (pieces.empty()) return;
      std::string part;
      const auto status = target_model().processor.Decode(pieces, &part);
      if (!status.ok()) throw DataError("sentencepiece", status.message(), target_model().file);
      text += part;
      pieces.clear();
    };
    for (const int32_t id : ids) {
      const auto piece = id_to_token(id);
      if (piece.empty())
        throw DataError("tokenizer",
                        fmt::format("expected a token's number below {}, got {}", vocab_size(), id),
                        model_.file, "decode with the tokenizer that the model was trained with");
      if (!is_special(id)) {
        pieces.push_back(piece);
      } else if (!skip_special_tokens) {
        flush();
        text += piece;
        if (is_marian()) text += ' ';
      }
    }
    flush();
    return is_marian() ? without_word_begins(text) : text;
  }

  int64_t vocab_size() const override {
    return is_marian() ? vocabulary_.id_end() : static_cast<int64_t>(model_.pieces.size());
  }
  std::optional<int32_t> token_to_id(std::string_view token) const override {
    if (is_marian()) {
      const int32_t id = vocabulary_.find(token);
      return id < 0 ? std::nullopt : std::optional(id);
    }
    const int id = model_.processor.PieceToId(token);
    if (model_.pieces[static_cast<size_t>(id)].text != token) return std::nullopt;  // the unknown
    return id;
  }
  std::string id_to_token(int32_t id) const override {
    if (is_marian()) return std::string(vocabulary_.token(id));
    return id >= 0 && static_cast<size_t>(id) < model_.pieces.size()
               ? model_.pieces[static_cast<size_t>(id)].text
               : "";
  }
  const SpecialTokens& special() const override { return special_; }
  std::vector<int32_t> special_ids() const override {
    auto ids = ids_of(special_);
    for (size_t i = 0; !is_marian() && i < model_.pieces.size(); ++i)
      if (model_.pieces[i].type == ModelPiece::kControl) ids.push_back(static_cast<int32_t>(i));
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  }
  bool truncates_left() const override { return post_.truncate_left; }
  std::string kind() const override { return "sentencepiece"; }

  void save(const fs::path& folder) const override {
    std::error_code ignored;  // writing says what is wrong with the folder
    fs::create_directories(folder, ignored);
    if (is_marian()) {
      io::write_file_atomic(folder / kSourceModel, model_.bytes);
      if (!lacks_target_) io::write_file_atomic(folder / kTargetModel, target_model().bytes);
      io::write_file_atomic(folder / "vocab.json", vocabulary_json_);
    } else {
      io::write_file_atomic(folder / "spiece.model", model_.bytes);
    }
    if (!config_text_.empty())
      io::write_file_atomic(folder / "tokenizer_config.json", config_text_);
  }

 private:
  void read_config(const fs::path& folder) {
    const auto path = folder / "tokenizer_config.json";
    if (!io::file_exists(path)) return;
    config_text_ = bytes_of(path);
    config_ = parse_json(config_text_, {.component = "tokenizer", .where = path.string()});
    if (!config_.is_object())
      JsonField(config_, model_.file, "tokenizer_config.json").fail("an object");
  }

  void refuse_other_tokenizers() const {
    constexpr const char* kClass = "tokenizer_class";
    std::string_view name;
    if (config_.is_object() && config_.contains(kClass) && config_.at(kClass).is_string())
      name = config_.at(kClass).get_ref<const std::string&>();
    const std::string got(name);
    for (const std::string_view suffix : {"Fast", "Tokenizer"})
      if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
    const auto* const end = std::end(kOtherTokenizers);
    const bool other = std::find(std::begin(kOtherTokenizers), end, name) != end;
    if (!other && fs::path(model_.file).filename() != kNumberedOtherwise) return;
    throw DataError("tokenizer",
                    fmt::format("expected a tokenizer with the numbers of its SentencePiece model, "
                                "got {}, whose tokens have others",
                                other ? got : kNumberedOtherwise),
                    model_.file,
                    "for weights of your own give the model by itself, under another name");
  }

  // Marian has a model for each of two languages, and numbers the pieces of both in one file.
  void read_marian(const fs::path& folder) {
    const auto name = fs::path(model_.file).filename();
    if (name != kSourceModel && name != kTargetModel) return;
    const auto vocabulary = folder / "vocab.json", target = folder / kTargetModel;
    const bool is_numbered = io::file_exists(vocabulary), is_pair = io::file_exists(target);
    if (name == kSourceModel && is_pair && !is_numbered)
      throw DataError("tokenizer",
                      fmt::format("expected vocab.json beside {}, found none", kSourceModel),
                      folder.string(), "it is in the folder that the models come from");
    if (!is_numbered) return;
    read_vocabulary(vocabulary);
    lacks_target_ = !is_pair;
    if (!is_pair) return;
    if (auto bytes = bytes_of(target); bytes != model_.bytes)
      target_.emplace(std::move(bytes), target.string());
  }

  void read_vocabulary(const fs::path& path) {
    if (config_.is_object() &&
        JsonField(config_, model_.file, "tokenizer_config.json").boolean("separate_vocabs", false))
      throw DataError("tokenizer",
                      "expected one vocabulary for both languages, got 'separate_vocabs'",
                      (path.parent_path() / "tokenizer_config.json").string(),
                      "use a model whose languages share vocab.json");
    vocabulary_json_ = bytes_of(path);
    const auto json =
        parse_json(vocabulary_json_, {.component = "tokenizer", .where = path.string()});
    const auto where = path.string();
    const JsonField root(json, where);
    if (!json.is_object() || json.empty()) root.fail("an object of tokens and their numbers");
    vocabulary_.reserve(json.size());
    for (const auto& [token, value] : json.items()) {
      const JsonField field(value, where, "'" + token + "'");
      if (!vocabulary_.add(token, static_cast<int32_t>(field.integer(0, kMaxTokenId))))
        field.fail("a number of its own");
    }
    if (vocabulary_.find("<unk>") < 0) root.at("<unk>");
  }

  void find_special_tokens() {
    const auto pick = [&](const char* key, int id, const char* usual) -> std::optional<int32_t> {
      if (config_.is_object() && config_.contains(key) && config_.at(key).is_string())
        if (const auto named = token_to_id(config_.at(key).get<std::string>())) return named;
      if (!is_marian() && id >= 0) return id;
      return token_to_id(usual);
    };
    special_.unk = pick("unk_token", model_.processor.unk_id(), "<unk>");
    special_.pad = pick("pad_token", model_.processor.pad_id(), "<pad>");
    special_.bos = pick("bos_token", model_.processor.bos_id(), "<s>");
    special_.eos = pick("eos_token", model_.processor.eos_id(), "</s>");
    const JsonField config(config_, model_.file, "tokenizer_config.json");
    const bool any = config_.is_object();
    const bool bos = any && config.boolean("add_bos_token", false);
    const bool eos = !any || config.boolean("add_eos_token", true);
    const auto surround = [&](int sequence) {
      std::vector<TemplatePiece> pieces;
      if (bos && special_.bos) pieces.push_back({.ids = {*special_.bos}});
      pieces.push_back({.sequence = sequence});
      if (eos && special_.eos) pieces.push_back({.ids = {*special_.eos}});
      return pieces;
    };
    // Names of special tokens in a text are split anyway: a model looks for none.
    post_.truncate_left = read_tokenizer_config(config_, model_.file).truncate_left;
    post_.single = surround(0);
    post_.pair = surround(0);
    for (auto& piece : surround(1)) post_.pair.push_back(std::move(piece));
  }

  bool is_special(int32_t id) const {
    if (is_marian())
      return id == special_.eos || id == special_.pad || id == special_.bos || id == special_.unk;
    return model_.pieces[static_cast<size_t>(id)].type == ModelPiece::kControl;
  }

  Encoding encode_by(const CheckedModel& model, std::initializer_list<std::string_view> texts,
                     const EncodeOptions& options) const {
    std::vector<Encoding> encodings;
    for (const auto text : texts) encodings.push_back(encode_text(model, text));
    return post_.process(std::move(encodings), options, model.file);
  }

  Encoding encode_text(const CheckedModel& model, std::string_view text) const {
    if (text.size() > kMaxPieceText)
      throw DataError(
          "tokenizer",
          fmt::format("expected a text of at most {} bytes, got {}", kMaxPieceText, text.size()),
          "", "cut it into lines or documents");
    if (valid_utf8(text) == text.size()) return encode_valid(model, text);
    const auto repaired = repair_utf8(text);
    auto encoding = encode_valid(model, repaired.text);
    for (auto& span : encoding.offsets)
      span = {repaired.original(span.begin), repaired.original(span.end)};
    return encoding;
  }

  Encoding encode_valid(const CheckedModel& model, std::string_view text) const {
    Encoding out;
    const size_t code = language_code(text);
    if (code > 0) push(out, id_of(text.substr(0, code)), {0, code});
    const auto pieces = model.processor.EncodeAsImmutableProto(text.substr(code));
    for (size_t i = 0; i < pieces.pieces_size(); ++i) {
      const auto piece = pieces.pieces(static_cast<int>(i));
      const auto id = is_marian() ? id_of(piece.piece()) : static_cast<int32_t>(piece.id());
      push(out, id, {code + piece.begin(), code + piece.end()});
    }
    return out;
  }

  void push(Encoding& out, int32_t id, Span span) const {
    out.words.push_back(static_cast<int32_t>(out.ids.size()));
    out.ids.push_back(id);
    out.type_ids.push_back(0);
    out.offsets.push_back(span);
    out.special_tokens.push_back(0);
  }

  int32_t id_of(std::string_view piece) const {
    const int32_t id = vocabulary_.find(piece);
    return id >= 0 ? id : *special_.unk;
  }

  // Bytes of Marian's ">>de<<" in front of a text: a token as it is.
  size_t language_code(std::string_view text) const {
    if (!is_marian() || !text.starts_with(">>")) return 0;
    const auto end = text.find("<<");
    return end == std::string_view::npos ? 0 : end + 2;
  }

  bool is_marian() const { return vocabulary_.size() > 0; }
  // Of what is written: translations, and texts that a model is to learn to write.
  const CheckedModel& target_model() const {
    if (!lacks_target_) return target_ ? *target_ : model_;
    const fs::path file(model_.file);
    throw DataError("tokenizer",
                    fmt::format("expected {} beside {}, found none", kTargetModel, kSourceModel),
                    file.parent_path().string(),
                    "take it from the folder that the weights come from; for what an older braid "
                    "trained it is a copy of source.spm");
  }

  CheckedModel model_;
  std::optional<CheckedModel> target_;  // Marian's; unset: model_ is both
  bool lacks_target_ = false;           // but only the texts that are read are known to be its
  std::string config_text_, vocabulary_json_;
  Json config_;
  Vocabulary vocabulary_;  // of vocab.json, where the pieces' numbers are not the model's
  SpecialTokens special_;
  PostProcessor post_;
};

}  // namespace

TokenizerPtr load_sentencepiece(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  return std::make_shared<const SentencePieceTokenizer>(bytes_of(file), file.string(), &folder);
}

TokenizerPtr sentencepiece_of(std::string model, const std::string& name) {
  return std::make_shared<const SentencePieceTokenizer>(std::move(model), name, nullptr);
}

void silence_sentencepiece() { sentencepiece::logging::SetMinLogLevel(kOnlyErrors); }

}  // namespace braid::text
