// SPDX-License-Identifier: Apache-2.0
Network case {
  Layer case {
    Type: GEMM
    Dimensions { N: 5, K: 7, B: 3, M: 3 }
    Dataflow random {
      SpatialMap(2,2) M;
      TemporalMap(1,1) N;
      Cluster(1,P);
      SpatialMap(1,1) B;
      TemporalMap(1,1) M;
      Cluster(1,P);
      SpatialMap(1,1) K;
    }
  }
}
