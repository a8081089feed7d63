// SPDX-License-Identifier: Apache-2.0
// fits: GEMM
// reuses: weights: a block of K x N stays while rows of inputs stream by (weight stationary)
Dataflow gemm_ws {
  TemporalMap(1,1) B;
  SpatialMap(4,4) N;
  TemporalMap(16,16) K;
  TemporalMap(1,1) M;
  Cluster(16,P);
  SpatialMap(1,1) K;
}
