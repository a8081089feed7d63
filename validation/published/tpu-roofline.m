// SPDX-License-Identifier: Apache-2.0
// The matrices of an application side by side. A block of 256 x 256 weights stays in the array
// while a batch streams through it, and the next block arrives; inputs stay in the unified buffer.
Network tpu { Layer matrices { Type: GEMM
  Dimensions { M: ${macs_per_byte}, N: ${matrices} * ${size}, K: ${size} }
  Dataflow {
    TemporalMap(${size},${size}) N;
    GlobalBuffer;
    SpatialMap(1,1) N;
    TemporalMap(256,256) K;
    TemporalMap(1024,1024) M;
    Cluster(256,P);
    SpatialMap(1,1) K;
  } } }
