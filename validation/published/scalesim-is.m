// SPDX-License-Identifier: Apache-2.0
// rows: K, columns: M; N streams. A fold is a step.
Network scalesim_is {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${C},${C}) M;
      SpatialMap(1,1) K;
      Cluster(${C},P);
      SpatialMap(1,1) M;
    }
  }
}
