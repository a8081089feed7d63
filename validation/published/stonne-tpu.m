// SPDX-License-Identifier: Apache-2.0
// rows: M, columns: N; a step for every k: what enters at the edges goes to all PEs of a row or a
// column.
Network stonne_tpu {
  Layer row {
    Type: GEMM
    Dimensions { M: ${M}, N: ${N}, K: ${K} }
    Dataflow {
      TemporalMap(${rows},${rows}) M;
      TemporalMap(${columns},${columns}) N;
      GlobalBuffer;
      TemporalMap(1,1) K;
      SpatialMap(1,1) M;
      Cluster(${columns},P);
      SpatialMap(1,1) N;
    }
  }
}
