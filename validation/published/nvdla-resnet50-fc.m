// SPDX-License-Identifier: Apache-2.0
// fits: GEMM FC
Dataflow nvdla_fc {
  TemporalMap(${atomic_k},${atomic_k}) N;
  GlobalBuffer;
  SpatialMap(1,1) N;
  TemporalMap(${atomic_c},${atomic_c}) K;
  Cluster(${atomic_c},P);
  SpatialMap(1,1) K;
}
