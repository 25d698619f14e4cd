#include "braid/text/vocabulary.h"

#include <algorithm>
#include <cstring>

namespace braid::text {

void Vocabulary::grow(size_t slots) {
  slots_.assign(slots, {});
  for (size_t id = 0; id < places_.size(); ++id) {
    if (places_[id].length == Place::kNone) continue;
    TokenHash hash;
    hash.add(token(static_cast<int32_t>(id)));
    const uint64_t mix = mixed(hash.value);
    size_t at = mix & (slots - 1);
    while (slots_[at].id >= 0) at = (at + 1) & (slots - 1);
    slots_[at] = {static_cast<uint32_t>(mix >> 32), static_cast<int32_t>(id)};
  }
}

void Vocabulary::reserve(size_t tokens) {
  size_t slots = 64;
  while (slots < 2 * tokens + 2) slots *= 2;
  if (slots > slots_.size()) grow(slots);
}

bool Vocabulary::add(std::string_view token, int32_t id) {
  if (find(token) >= 0 || has(id)) return false;
  reserve(count_ + 1);
  if (places_.size() <= static_cast<size_t>(id)) places_.resize(static_cast<size_t>(id) + 1);
  places_[static_cast<size_t>(id)] = {static_cast<uint32_t>(bytes_.size()),
                                      static_cast<uint32_t>(token.size())};
  bytes_.append(token);
  ++count_;
  longest_ = std::max(longest_, token.size());
  TokenHash hash;
  hash.add(token);
  const uint64_t mix = mixed(hash.value);
  size_t at = mix & (slots_.size() - 1);
  while (slots_[at].id >= 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {static_cast<uint32_t>(mix >> 32), id};
  return true;
}

int32_t Vocabulary::find(std::string_view prefix, std::string_view rest, TokenHash hash) const {
  if (slots_.empty()) return -1;
  const uint64_t mix = mixed(hash.value);
  const auto tag = static_cast<uint32_t>(mix >> 32);
  for (size_t at = mix & (slots_.size() - 1); slots_[at].id >= 0;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].tag != tag) continue;
    const auto& place = places_[static_cast<size_t>(slots_[at].id)];
    const char* bytes = bytes_.data() + place.begin;
    if (place.length == prefix.size() + rest.size() &&
        std::equal(prefix.begin(), prefix.end(), bytes) &&
        std::equal(rest.begin(), rest.end(), bytes + prefix.size()))
      return slots_[at].id;
  }
  return -1;
}

bool Vocabulary::has(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < places_.size() &&
         places_[static_cast<size_t>(id)].length != Place::kNone;
}

std::string_view Vocabulary::token(int32_t id) const {
  if (!has(id)) return {};
  const auto& place = places_[static_cast<size_t>(id)];
  return std::string_view(bytes_).substr(place.begin, place.length);
}

}  // namespace braid::text
