// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: nothing locally but partial sums over the channels of a step (no local reuse, C-P)
Dataflow c_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(1,1) K;
  TemporalMap(1,1) Y';
  TemporalMap(1,1) X';
  SpatialMap(1,1) C;
}
