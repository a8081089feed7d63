// SPDX-License-Identifier: Apache-2.0
Network case {
  Layer case {
    Type: BGEMM
    Dimensions { N: 2, K: 37, B: 1, M: 1 }
    Dataflow random {
      TemporalMap(28,28) K;
      Cluster(3,P);
      TemporalMap(1,1) N;
      SpatialMap(1,1) K;
    }
  }
}
