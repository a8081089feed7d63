// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: partial sums: an output pixel per PE while kernels pass by (output stationary)
// After Du et al., ISCA 2015: 8 x 8 output pixels at a time.
Dataflow shidiannao {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(1,1) K;
  SpatialMap(1,1) Y';
  TemporalMap(8,8) X';
  TemporalMap(1,1) C;
  TemporalMap(1,1) R;
  TemporalMap(1,1) S;
  Cluster(8,P);
  SpatialMap(1,1) X';
}
