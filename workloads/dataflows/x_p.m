// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: weights: every PE keeps a kernel and slides it along a row (weight stationary, X-P)
Dataflow x_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(1,1) K;
  TemporalMap(1,1) C;
  TemporalMap(1,1) Y';
  SpatialMap(1,1) X';
}
