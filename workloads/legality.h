// SPDX-License-Identifier: Apache-2.0
// Whether the levels of a nest divide their tiles exactly, in closed form.
#pragma once

#include <vector>

#include "workloads/mapping.h"
#include "workloads/nest.h"

namespace counterpoint::workloads {

/// One verdict per level, outermost first. Multiply-accumulates are counted on the dense
/// iteration space (pairs that implicit padding or upsampling leave idle count as work), in
/// which a mapping is legal if and only if it is legal for the work itself: a level that loses or
/// repeats a box is refused also if only padding was in it. Below an illegal level the check goes
/// on as if that level had covered its tiles. Saturates at the largest 64-bit integer.
std::vector<LevelVerdict> check_levels(const Layer& layer, const Nest& nest);

/// Distinct values of stride*o + dilation*k over `outs` outputs and `kernel` kernel indices.
/// Points (o, k) and (o + d', k - s') coincide, with s', d' the coprime parts; so the distinct
/// ones are those without a predecessor in the box.
std::int64_t distinct_rows(std::int64_t stride, std::int64_t dilation, std::int64_t outs,
                           std::int64_t kernel);

/// An upper bound, exact for unpadded convolutions and GEMMs, of the words of tensor t that a
/// tile of the given extents touches anywhere in the layer.
std::int64_t tile_words_bound(const Layer& layer, Tensor t,
                              const std::array<std::int64_t, kDims>& extent);

}  // namespace counterpoint::workloads
