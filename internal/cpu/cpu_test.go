package cpu

import (
	"slices"
	"testing"
)

func TestFeatures(t *testing.T) {
	f := Features()
	t.Logf("%s %s, %d cores, %+v, %v", Vendor(), Brand(), Cores(), DataCaches(), f)
	for _, implied := range [][2]string{
		{"avx512-vnni", "avx512"}, {"avx512", "avx2"}, {"avx-vnni", "avx2"}, {"f16c", "avx2"}, {"dotprod", "neon"},
	} {
		if slices.Contains(f, implied[0]) && !slices.Contains(f, implied[1]) {
			t.Errorf("%s without %s in %v", implied[0], implied[1], f)
		}
	}
	if c := DataCaches(); c.L1 < 4<<10 || c.L2 < c.L1 || c.L3 < 0 {
		t.Errorf("caches %+v", c)
	}
}
