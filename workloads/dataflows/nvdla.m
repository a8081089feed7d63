// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: weights in the PEs; inputs are broadcast over filters, 64 channels are summed by adder trees
// After NVDLA's convolution core: cells of 64 multipliers, one filter each.
Dataflow nvdla {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(16,16) K;
  TemporalMap(28,28) Y';
  TemporalMap(16,16) X';
  TemporalMap(64,64) C;
  GlobalBuffer;
  SpatialMap(1,1) K;
  TemporalMap(1,1) Y';
  TemporalMap(4,4) X';
  Cluster(64,P);
  SpatialMap(1,1) C;
}
