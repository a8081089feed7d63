// SPDX-License-Identifier: Apache-2.0
// Loop nests in the notation of Timeloop and of what is built on it, as directives.
#pragma once

#include <string>

#include "validation/published/expression.h"

namespace counterpoint::validation::published {

/// `L3[WIO] K12 - L2[WI] N1 K16X - L1[O] K4 C48 P4 C16X - L0[W] P32`: storage levels from the
/// outermost, each with its loops, the outermost first, as dimension and trip count; X marks a
/// spatial loop. Dimensions N C K P Q R S; P are output rows, Q output columns.
///
/// The result is the temporal loops: those of the first level, `GlobalBuffer;`, then those of the
/// other levels but the last, whose loops are the step of a PE. A loop over a dimension becomes a
/// TemporalMap of what one of its iterations holds. A dimension that has several loops on one side
/// of `GlobalBuffer` gets one, at the place of the outermost. Spatial loops are left to the recipe,
/// which knows the array. `columns` gives the extents. Throws ExpressionError.
std::string timeloop_directives(const std::string& notation, const Lookup& columns);

}  // namespace counterpoint::validation::published
