// SPDX-License-Identifier: Apache-2.0
// The general way of estimating: recursion over the loops on concrete tiles, for any legal nest.
// plan.h is the quick way for the regular ones.
#pragma once

#include "analytic/estimator.h"
#include "analytic/totals.h"

namespace counterpoint::analytic {

Totals walk(const workloads::Mapping& mapping, Effort* effort = nullptr);

}  // namespace counterpoint::analytic
