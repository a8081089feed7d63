// SPDX-License-Identifier: Apache-2.0
// fits: DSCONV
// reuses: kernels: a channel per PE, the kernel slides over its plane
Dataflow depthwise {
  TemporalMap(1,1) N;
  SpatialMap(1,1) C;
  TemporalMap(1,1) Y';
  TemporalMap(1,1) X';
}
