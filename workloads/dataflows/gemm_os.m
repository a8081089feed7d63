// SPDX-License-Identifier: Apache-2.0
// fits: GEMM
// reuses: partial sums: an output per PE while rows and columns stream by (output stationary)
Dataflow gemm_os {
  TemporalMap(1,1) B;
  SpatialMap(1,1) M;
  TemporalMap(16,16) N;
  TemporalMap(8,8) K;
  Cluster(16,P);
  SpatialMap(1,1) N;
}
