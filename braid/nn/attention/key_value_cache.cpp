#include "braid/nn/attention/key_value_cache.h"

#include <algorithm>

namespace braid::nn {
namespace {

torch::Tensor with_room(const torch::Tensor& old, const torch::Tensor& like, int64_t length,
                        int64_t room) {
  auto sizes = like.sizes().vec();
  sizes[2] = room;
  auto grown = torch::empty(sizes, like.options());
  if (length > 0) grown.narrow(2, 0, length).copy_(old.narrow(2, 0, length));
  return grown;
}

// Copies what is there, not the room beside it.
torch::Tensor chosen_rows(const torch::Tensor& old, const torch::Tensor& rows, int64_t length) {
  auto sizes = old.sizes().vec();
  sizes[0] = rows.size(0);
  auto chosen = torch::empty(sizes, old.options());
  auto filled = chosen.narrow(2, 0, length);
  at::index_select_out(filled, old.narrow(2, 0, length), 0, rows);
  return chosen;
}

}  // namespace

void KeyValueCache::append(const torch::Tensor& k, const torch::Tensor& v) {
  const int64_t added = k.size(2);
  if (empty()) {  // what never grows is never copied
    k_ = k, v_ = v, length_ = added;
    return;
  }
  if (length_ + added > k_.size(2)) {
    const int64_t room = std::max(2 * length_, length_ + added);
    k_ = with_room(k_, k, length_, room);
    v_ = with_room(v_, v, length_, room);
  }
  k_.narrow(2, length_, added).copy_(k);
  v_.narrow(2, length_, added).copy_(v);
  length_ += added;
}

KeyValueCache& KeyValueCache::beside() {
  if (!beside_) beside_ = std::make_shared<KeyValueCache>();
  return *beside_;
}

void KeyValueCache::select(const torch::Tensor& rows) {
  if (beside_) beside_->select(rows);
  if (empty()) return;
  k_ = chosen_rows(k_, rows, length_);
  v_ = chosen_rows(v_, rows, length_);
}

}  // namespace braid::nn
