// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: weights: a filter per cluster, a channel per PE (weight stationary, KC-P)
Dataflow kc_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  SpatialMap(1,1) K;
  TemporalMap(64,64) C;
  TemporalMap(1,1) Y';
  TemporalMap(1,1) X';
  Cluster(64,P);
  SpatialMap(1,1) C;
}
