// SPDX-License-Identifier: Apache-2.0
// STONNE's tile T_R = R, T_S = S, T_C, T_K, T_G, T_X', T_Y': virtual neurons of R x S x T_C
// multipliers side by side, over groups, filters, output rows and columns. Without groups the
// children of the buffer are filters: what shares a line of the output bus.
Network stonne_maeri {
  Layer row {
    Type: NGCONV
    Stride { Y: ${stride}, X: ${stride} }
    Dimensions { N: 1, G: ${G}, K: ${K / G}, C: ${C / G}, R: ${R}, S: ${S}, Y: ${X}, X: ${Y} }
    Dataflow {
      TemporalMap(${T_G},${T_G}) G;
      TemporalMap(${T_K},${T_K}) K;
      GlobalBuffer;
      TemporalMap(${T_C},${T_C}) C;
      TemporalMap(${T_X},${T_X}) Y';
      TemporalMap(${T_Y},${T_Y}) X';
      SpatialMap(1,1) ${if_positive(G - 1, G, K)};
      Cluster(${max(T_K * min(G - 1, 1), 1)},P);
      SpatialMap(1,1) ${if_positive(G - 1, K, G)};
      Cluster(${T_X},P);
      SpatialMap(1,1) Y';
      Cluster(${T_Y},P);
      SpatialMap(1,1) X';
      Cluster(${T_C},P);
      SpatialMap(1,1) C;
      Cluster(${R},P);
      SpatialMap(1,1) R;
      Cluster(${S},P);
      SpatialMap(1,1) S;
    }
  }
}
