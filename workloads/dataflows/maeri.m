// SPDX-License-Identifier: Apache-2.0
// fits: CONV NGCONV TRCONV
// reuses: weights: a virtual neuron of Sz(R) x Sz(S) multipliers holds a kernel, its reduction tree adds
// After Kwon et al., ASPLOS 2018: needs Sz(R)*Sz(S) multipliers at least.
Dataflow maeri {
  TemporalMap(1,1) N;
  TemporalMap(1,1) G;
  TemporalMap(1,1) C;
  SpatialMap(1,1) K;
  TemporalMap(1,1) Y';
  TemporalMap(1,1) X';
  Cluster(Sz(R),P);
  SpatialMap(1,1) Y;
  SpatialMap(1,1) R;
  Cluster(Sz(S),P);
  SpatialMap(1,1) X;
  SpatialMap(1,1) S;
}
