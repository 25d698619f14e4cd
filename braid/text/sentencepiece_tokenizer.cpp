#include "braid/text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/text/json_field.h"
#include "braid/text/post_processor.h"
#include "braid/text/sentencepiece_check.h"
#include "braid/text/utf8.h"
#include "braid/text/vocabulary.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported, but in no installed header
}

namespace braid::text {
namespace {

namespace fs = std::filesystem;

constexpr int kOnlyErrors = 2;
constexpr size_t kMaxPieceText = 1u << 28;  // bytes of a text

std::string bytes_of(const fs::path& file) {
  const auto bytes = io::read_file(file, kMaxModelBytes);
  return {bytes.begin(), bytes.end()};
}

class SentencePieceTokenizer final : public Tokenizer {
 public:
  // folder: of the files beside the model; none: there are none.
  SentencePieceTokenizer(std::string model, std::string name, const fs::path* folder)
      : file_(std::move(name)), bytes_(std::move(model)) {
    pieces_ = check_sentencepiece_model(bytes_, file_);
    silence_sentencepiece();
    const auto status = processor_.LoadFromSerializedProto(bytes_);
    if (!status.ok())
      throw DataError(
          "sentencepiece",
          fmt::format("expected a SentencePiece model, got another file ({})", status.message()),
          file_, "give a model that SentencePiece has trained");
    if (folder) {
      read_config(*folder);
      read_vocabulary(*folder / "vocab.json");
    }
    find_special_tokens();
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    std::vector<Encoding> texts;
    texts.push_back(encode_text(text));
    return post_.process(std::move(texts), options, file_);
  }
  Encoding encode_pair(std::string_view text, std::string_view pair,
                       const EncodeOptions& options) const override {
    std::vector<Encoding> texts;
    texts.push_back(encode_text(text));
    texts.push_back(encode_text(pair));
    return post_.process(std::move(texts), options, file_);
  }

  std::string decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const override {
    std::string text;
    std::vector<std::string> pieces;
    const auto flush = [&] {
      if (pieces.empty()) return;
      std::string part;
      const auto status = processor_.Decode(pieces, &part);
      if (!status.ok()) throw DataError("sentencepiece", status.message(), file_);
      text += part;
      pieces.clear();
    };
    for (const int32_t id : ids) {
      const auto piece = id_to_token(id);
      if (piece.empty())
        throw DataError("tokenizer",
                        fmt::format("expected a token's number below {}, got {}", vocab_size(), id),
                        file_, "decode with the tokenizer that the model was trained with");
      if (!is_special(id)) {
        pieces.push_back(piece);
      } else if (!skip_special_tokens) {
        flush();
        text += piece;
      }
    }
    flush();
    return text;
  }

  int64_t vocab_size() const override {
    return vocabulary_.size() > 0 ? vocabulary_.id_end() : static_cast<int64_t>(pieces_.size());
  }
  std::optional<int32_t> token_to_id(std::string_view token) const override {
    if (vocabulary_.size() > 0) {
      const int32_t id = vocabulary_.find(token);
      return id < 0 ? std::nullopt : std::optional(id);
    }
    const int id = processor_.PieceToId(token);
    if (pieces_[static_cast<size_t>(id)].text != token) return std::nullopt;  // the unknown one
    return id;
  }
  std::string id_to_token(int32_t id) const override {
    if (vocabulary_.size() > 0) return std::string(vocabulary_.token(id));
    return id >= 0 && static_cast<size_t>(id) < pieces_.size()
               ? pieces_[static_cast<size_t>(id)].text
               : "";
  }
  const SpecialTokens& special() const override { return special_; }
  std::string kind() const override { return "sentencepiece"; }

  void save(const fs::path& folder) const override {
    std::error_code ignored;  // writing says what is wrong with the folder
    fs::create_directories(folder, ignored);
    const auto name = fs::path(file_).filename();
    io::write_file_atomic(folder / (vocabulary_.size() > 0 ? name : "spiece.model"), bytes_);
    if (vocabulary_.size() > 0) io::write_file_atomic(folder / "vocab.json", vocabulary_json_);
    if (!config_text_.empty())
      io::write_file_atomic(folder / "tokenizer_config.json", config_text_);
  }

 private:
  void read_config(const fs::path& folder) {
    const auto path = folder / "tokenizer_config.json";
    if (!io::file_exists(path)) return;
    config_text_ = bytes_of(path);
    config_ = parse_json(config_text_, {.component = "tokenizer", .where = path.string()});
    if (!config_.is_object()) JsonField(config_, file_, "tokenizer_config.json").fail("an object");
  }

  // Marian's models number their pieces in a file of its own.
  void read_vocabulary(const fs::path& path) {
    const auto name = fs::path(file_).filename();
    if ((name != "source.spm" && name != "target.spm") || !io::file_exists(path)) return;
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
      if (vocabulary_.size() == 0 && id >= 0) return id;
      return token_to_id(usual);
    };
    special_.unk = pick("unk_token", processor_.unk_id(), "<unk>");
    special_.pad = pick("pad_token", processor_.pad_id(), "<pad>");
    special_.bos = pick("bos_token", processor_.bos_id(), "<s>");
    special_.eos = pick("eos_token", processor_.eos_id(), "</s>");
    const JsonField config(config_, file_, "tokenizer_config.json");
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
    post_.single = surround(0);
    post_.pair = surround(0);
    for (auto& piece : surround(1)) post_.pair.push_back(std::move(piece));
  }

  bool is_special(int32_t id) const {
    if (vocabulary_.size() > 0)
      return id == special_.eos || id == special_.pad || id == special_.bos;
    return pieces_[static_cast<size_t>(id)].type == ModelPiece::kControl;
  }

  Encoding encode_text(std::string_view text) const {
    if (text.size() > kMaxPieceText)
      throw DataError(
          "tokenizer",
          fmt::format("expected a text of at most {} bytes, got {}", kMaxPieceText, text.size()),
          "", "cut it into lines or documents");
    if (valid_utf8(text) == text.size()) return encode_valid(text);
    const auto repaired = repair_utf8(text);
    auto encoding = encode_valid(repaired.text);
    for (auto& span : encoding.offsets)
      span = {repaired.original(span.begin), repaired.original(span.end)};
    return encoding;
  }

  Encoding encode_valid(std::string_view text) const {
    Encoding out;
    const size_t code = language_code(text);
    if (code > 0) push(out, id_of(text.substr(0, code)), {0, code});
    const auto pieces = processor_.EncodeAsImmutableProto(text.substr(code));
    for (size_t i = 0; i < pieces.pieces_size(); ++i) {
      const auto piece = pieces.pieces(static_cast<int>(i));
      const auto id =
          vocabulary_.size() > 0 ? id_of(piece.piece()) : static_cast<int32_t>(piece.id());
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
    if (vocabulary_.size() == 0 || text.substr(0, 2) != ">>") return 0;
    const auto line = text.substr(0, text.find('\n'));
    const auto end = line.rfind("<<");
    return end == std::string_view::npos || end < 3 ? 0 : end + 2;
  }

  std::string file_, bytes_;
  std::vector<ModelPiece> pieces_;
  sentencepiece::SentencePieceProcessor processor_;
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
