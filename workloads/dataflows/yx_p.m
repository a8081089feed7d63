// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: partial sums: every PE keeps an output pixel (output stationary, YX-P)
Dataflow yx_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(1,1) K;
  SpatialMap(1,1) Y';
  TemporalMap(8,8) X';
  TemporalMap(1,1) C;
  Cluster(8,P);
  SpatialMap(1,1) X';
}
