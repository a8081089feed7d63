// SPDX-License-Identifier: Apache-2.0
// Row stationary from the parameters of JSSC 2017, table III: m filters have their partial sums in the
// buffer, n images and e output rows are worked on at a time; a PE holds p filters and q channels;
// r sets of PEs share the channels, t sets the filters. A pass is a position of the loop over K.
Network eyeriss {
  Layer row {
    Type: NGCONV
    Stride { Y: ${U}, X: ${U} }
    Dimensions { N: ${N}, G: ${G}, K: ${M/G}, C: ${C}, R: ${R}, S: ${R}, Y: ${H}, X: ${H} }
    Dataflow {
      TemporalMap(${n},${n}) N;
      TemporalMap(1,1) G;
      TemporalMap(${m},${m}) K;
      TemporalMap(${e},${e}) Y';
      TemporalMap(${q * r},${q * r}) C;
      GlobalBuffer;
      SpatialMap(${p},${p}) K;
      TemporalMap(1,1) N;
      TemporalMap(1,1) X';
      Cluster(${r},P);
      SpatialMap(${q},${q}) C;
      Cluster(${e},P);
      SpatialMap(1,1) Y';
      Cluster(${R},P);
      SpatialMap(1,1) Y;
      SpatialMap(1,1) R;
    }
  }
}
