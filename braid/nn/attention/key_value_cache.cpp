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
  k_ = k_.index_select(0, rows);
  v_ = v_.index_select(0, rows);
}

}  // namespace braid::nn
