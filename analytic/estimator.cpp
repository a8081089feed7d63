// SPDX-License-Identifier: Apache-2.0
#include "analytic/estimator.h"

#include "analytic/schedule.h"
#include "analytic/totals.h"
#include "analytic/walk.h"

namespace counterpoint::analytic {

stats::LayerResult estimate(const workloads::Mapping& mapping, Effort* effort) {
  thread_local Plan plan;
  thread_local Schedule schedule;
  if (!plan.compile(mapping)) return assemble(mapping, mapping.machine, walk(mapping, effort));
  Totals totals;
  schedule.run(plan, mapping.machine, totals, effort);
  return assemble(mapping, mapping.machine, totals);
}

}  // namespace counterpoint::analytic
