// SPDX-License-Identifier: Apache-2.0
// A filter per PE: every input goes to all PEs, every weight and every sum belongs to one.
Dataflow filters_in_space {
  TemporalMap(1,1) N;
  SpatialMap(1,1) K;
  TemporalMap(2,2) C;
  TemporalMap(2,2) Y';
  TemporalMap(14,14) X';
}
