// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: kernel rows and partial sums along columns (row stationary, YR-P)
Dataflow yr_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(2,2) C;
  TemporalMap(2,2) K;
  SpatialMap(1,1) Y';
  TemporalMap(1,1) X';
  Cluster(Sz(R),P);
  SpatialMap(1,1) Y;
  SpatialMap(1,1) R;
}
