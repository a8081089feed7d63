// SPDX-License-Identifier: Apache-2.0
// A tiled GEMM on one array: tiles of M, N and K stream from memory, the array works on a whole
// tile at a time.
Network gemm16x16 {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${micro_M},${micro_M}) M;
      TemporalMap(${micro_N},${micro_N}) N;
      TemporalMap(${micro_K},${micro_K}) K;
      GlobalBuffer;
      SpatialMap(${micro_M/16},${micro_M/16}) M;
      Cluster(16,P);
      SpatialMap(${micro_N/16},${micro_N/16}) N;
    }
  }
}
