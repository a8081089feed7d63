// SPDX-License-Identifier: Apache-2.0
// Outputs that left three residences ago have not arrived when the next iteration over K wants them.
Network case {
  Layer case {
    Type: GEMM
    Dimensions { M: 1, N: 3, K: 81 }
    Dataflow random {
      TemporalMap(2,2) K;
      TemporalMap(1,1) N;
    }
  }
}
