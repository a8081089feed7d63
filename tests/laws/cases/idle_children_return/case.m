// SPDX-License-Identifier: Apache-2.0
Network case {
  Layer case {
    Type: NGCONV
    Dimensions { N: 1, G: 1, K: 1, C: 5, R: 1, S: 2, Y: 1, Y': 1, X: 2, X': 1 }
    Dataflow random {
      Cluster(4,P);
      TemporalMap(1,1) S;
      SpatialMap(1,1) C;
      Cluster(1,P);
    }
  }
}
