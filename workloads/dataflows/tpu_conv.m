// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: weights: a 256 x 256 block of channels and filters stays while pixels stream by
// After Jouppi et al., ISCA 2017.
Dataflow tpu_conv {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  SpatialMap(1,1) K;
  TemporalMap(256,256) C;
  TemporalMap(1,1) R;
  TemporalMap(1,1) S;
  TemporalMap(1,1) Y';
  TemporalMap(1,1) X';
  Cluster(256,P);
  SpatialMap(1,1) C;
}
