// SPDX-License-Identifier: Apache-2.0
// A mapping of DOSA's data: its off-chip loops as they are; inside, the array takes 16 x 16 weights
// at a time and streams all positions of the tile past them, in blocks of up to 16. (The order that
// the notation gives for the inner levels does not bind the hardware: cycles show that it works on
// more than L0 says.) Layers are padded by half a kernel: so kernels of 2 x 2 have one more row and
// column of outputs than the table says.
Network gemmini16 {
  Layer row {
    Type: CONV
    Stride { Y: ${stride}, X: ${stride} }
    Dimensions { N: ${N}, K: ${K}, C: ${C}, R: ${R}, S: ${S}, Y': ${P + 1 - R + 2 * floor(R / 2)}, X': ${Q + 1 - S + 2 * floor(S / 2)} }
    Dataflow {
${timeloop(mapping)}
      GlobalBuffer;
      SpatialMap(1,1) K;
      TemporalMap(1,1) R;
      TemporalMap(1,1) S;
      TemporalMap(16,16) C;
      TemporalMap(1,1) X';
      TemporalMap(16,16) Y';
      Cluster(16,P);
      SpatialMap(1,1) C;
    }
  }
}
