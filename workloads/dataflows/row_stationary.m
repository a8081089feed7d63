// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: filter rows in the PEs, input rows along diagonals, partial sums along columns (Eyeriss)
// After Chen et al., JSSC 2017: sets of 14 columns of Sz(R) PEs, so 14*Sz(R) PEs at least; a PE holds
// 16 filters and 12/Sz(S) channels of one kernel row (kernels up to 12 wide).
Dataflow row_stationary {
  // Off-chip loops: the partial sums of a block of filters stay in the global buffer over all channels.
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(640/(Sz(R)+7),640/(Sz(R)+7)) K;
  TemporalMap(14,14) Y';
  TemporalMap(16,16) X';
  TemporalMap(12/Sz(S),12/Sz(S)) C;
  GlobalBuffer;
  // Sets of 14 columns side by side, each for 16 filters.
  SpatialMap(16,16) K;
  TemporalMap(1,1) X';
  Cluster(14,P);
  SpatialMap(1,1) Y';
  // A column: kernel row r meets input row y' + r; the column adds up.
  Cluster(Sz(R),P);
  SpatialMap(1,1) Y;
  SpatialMap(1,1) R;
}
