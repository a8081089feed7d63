// SPDX-License-Identifier: Apache-2.0
// A tiled GEMM on one array. Four tiles of results take turns inside the loop over K, so that a sum
// is continued when the array has finished the one before. Here: four tiles along M.
Network gemm16x16 {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${micro_N},${micro_N}) N;
      TemporalMap(${micro_K},${micro_K}) K;
      TemporalMap(${micro_M},${micro_M}) M;
      GlobalBuffer;
      SpatialMap(${micro_M/16},${micro_M/16}) M;
    }
  }
}
