// SPDX-License-Identifier: Apache-2.0
// fits: CONV
// Rows of inputs, all channels of them, stay in a quarter of the convolution buffer (two such tiles take
// turns); the weights of as many filters as there are cells stream through the rest, and once for
// every such strip of rows.
Dataflow nvdla {
  TemporalMap(${buffer_kib}*1024/4/Sz(C)/Sz(X)+1, ${buffer_kib}*1024/4/Sz(C)/Sz(X)+1) Y';
  TemporalMap(${atomic_k},${atomic_k}) K;
  GlobalBuffer;
  SpatialMap(1,1) K;
  TemporalMap(1,1) Y';
  TemporalMap(16,16) X';
  TemporalMap(1,1) R;
  TemporalMap(1,1) S;
  TemporalMap(${atomic_c},${atomic_c}) C;
  Cluster(${atomic_c},P);
  SpatialMap(1,1) C;
}
