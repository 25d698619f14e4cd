#include "braid/nn/attention/key_value_cache.h"

#include <algorithm>

namespace braid::nn {
namespace {

using torch::Tensor;

// [B,h,N,d] -> [rows,h*d], of the batch or of positions; a projection's lie so.
Tensor as_rows(const Tensor& heads, bool of_positions) {
  const auto tokens = of_positions ? heads.permute({2, 0, 1, 3}) : heads.transpose(1, 2);
  return tokens.reshape({heads.size(0) * heads.size(2), heads.size(1) * heads.size(3)})
      .contiguous();
}

// The first `count` along the dimension, with room for `room`.
Tensor with_room(const Tensor& old, int64_t dim, int64_t count, int64_t room) {
  auto sizes = old.sizes().vec();
  sizes[static_cast<size_t>(dim)] = room;
  auto grown = torch::empty(sizes, old.options());
  grown.narrow(dim, 0, count).copy_(old.narrow(dim, 0, count));
  return grown;
}

int64_t grown(int64_t now, int64_t needed) { return std::max(2 * now, needed); }

}  // namespace

KeyValueCache KeyValueCache::joined(const Tensor& k, const Tensor& v) {
  KeyValueCache cache;
  cache.order_ = Order::kJoined;
  if (k.defined()) cache.append(k, v);
  return cache;
}

void KeyValueCache::append(const Tensor& k, const Tensor& v) {
  const int64_t added = k.size(2);
  if (is_joined()) {
    k_ = empty() ? k : torch::cat({k_, k}, 2);
    v_ = empty() ? v : torch::cat({v_, v}, 2);
    length_ += added;
    return;
  }
  const auto numbers = torch::TensorOptions().dtype(torch::kLong).device(k.device());
  if (empty()) {  // what never grows is never copied
    batch_ = k.size(0), heads_ = k.size(1), length_ = added, used_ = batch_ * added;
    order_ = added == 1 ? Order::kOfPositions : Order::kOfBatch;
    k_ = as_rows(k, false), v_ = as_rows(v, false);
    places_ = torch::arange(used_, numbers).view({batch_, added});
    return;
  }
  if (order_ == Order::kOfBatch) order_ = Order::kLists;
  const int64_t rows = batch_ * added, length = length_ + added;
  if (used_ + rows > k_.size(0)) {
    const int64_t room = grown(used_, used_ + rows);
    k_ = with_room(k_, 0, used_, room);
    v_ = with_room(v_, 0, used_, room);
  }
  if (length > places_.size(1)) places_ = with_room(places_, 1, length_, grown(length_, length));
  k_.narrow(0, used_, rows).copy_(as_rows(k, true));
  v_.narrow(0, used_, rows).copy_(as_rows(v, true));
  places_.narrow(1, length_, added)
      .copy_(torch::arange(used_, used_ + rows, numbers).view({added, batch_}).t());
  length_ = length, used_ += rows;
}

Tensor KeyValueCache::gathered(const Tensor& rows, int64_t last) const {
  const int64_t count = std::min(last, length_), first = length_ - count;
  if (is_joined()) return count == length_ ? rows : rows.narrow(2, first, count);
  const int64_t d = rows.size(1) / heads_;
  switch (order_) {
    case Order::kOfBatch:
      return rows.view({batch_, length_, heads_, d}).transpose(1, 2).narrow(2, first, count);
    case Order::kOfPositions:
      return rows.narrow(0, 0, used_)
          .view({length_, batch_, heads_, d})
          .permute({1, 2, 0, 3})
          .narrow(2, first, count);
    case Order::kLists:
    case Order::kJoined:  // above
      break;
  }
  return rows.index_select(0, places_.narrow(1, first, count).reshape(-1))
      .view({batch_, count, heads_, d})
      .transpose(1, 2);
}

Tensor KeyValueCache::keys(int64_t last) const { return gathered(k_, last); }
Tensor KeyValueCache::values(int64_t last) const { return gathered(v_, last); }

KeyValueCache& KeyValueCache::beside() {
  if (!beside_) beside_ = std::make_shared<KeyValueCache>(is_joined() ? joined() : KeyValueCache());
  return *beside_;
}

void KeyValueCache::select(const Tensor& rows) {
  if (beside_) beside_->select(rows);
  if (empty()) return;
  if (is_joined()) {
    k_ = k_.index_select(0, rows), v_ = v_.index_select(0, rows);
    return;
  }
  const int64_t chosen = rows.size(0);
  if (order_ == Order::kOfBatch) {  // nothing was added: what is not chosen goes
    const auto of_chosen = [&](const Tensor& all) {
      return all.view({batch_, length_ * all.size(1)})
          .index_select(0, rows)
          .view({chosen * length_, all.size(1)});
    };
    k_ = of_chosen(k_), v_ = of_chosen(v_);
    places_ = torch::arange(chosen * length_, places_.options()).view({chosen, length_});
    batch_ = chosen, used_ = chosen * length_;
    return;
  }
  const auto old = places();
  places_ = torch::empty({chosen, places_.size(1)}, places_.options());
  auto to = places_.narrow(1, 0, length_);
  at::index_select_out(to, old, 0, rows);
  batch_ = chosen, order_ = Order::kLists;
}

}  // namespace braid::nn
