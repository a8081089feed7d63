// SPDX-License-Identifier: Apache-2.0
// rows: K, columns: N; M streams. A fold is a step.
Network scalesim_ws {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${C},${C}) N;
      SpatialMap(1,1) K;
      Cluster(${C},P);
      SpatialMap(1,1) N;
    }
  }
}
