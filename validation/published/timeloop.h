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
/// The result is the loops of the outermost level, those between off-chip memory and the chip: a
/// loop becomes a TemporalMap of what one of its iterations holds of the dimension. What happens on
/// the chip is left to the recipe, which knows the array. `columns` gives the extents, which are
/// checked. Throws ExpressionError.
std::string timeloop_directives(const std::string& notation, const Lookup& columns);

}  // namespace counterpoint::validation::published
