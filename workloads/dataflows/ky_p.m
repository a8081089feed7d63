// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: outputs in the PEs: four filters and a row of up to 56 outputs per PE, 16 rows per cluster (output stationary, KY-P)
Dataflow ky_p {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  SpatialMap(4,4) K;
  TemporalMap(16,16) Y';
  TemporalMap(56,56) X';
  TemporalMap(8,8) C;
  Cluster(16,P);
  SpatialMap(1,1) Y';
}
