// SPDX-License-Identifier: Apache-2.0
// fits: GEMM
// reuses: inputs: a block of M x K stays while columns of weights stream by (input stationary)
Dataflow gemm_is {
  TemporalMap(1,1) B;
  SpatialMap(4,4) M;
  TemporalMap(16,16) K;
  TemporalMap(1,1) N;
  Cluster(16,P);
  SpatialMap(1,1) K;
}
