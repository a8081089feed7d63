// SPDX-License-Identifier: Apache-2.0
// rows: M, columns: N; K streams. A fold is a step.
Network scalesim_os {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${C},${C}) N;
      SpatialMap(1,1) M;
      Cluster(${C},P);
      SpatialMap(1,1) N;
    }
  }
}
