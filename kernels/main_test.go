package kernels

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMain prints which Sets the run exercises, and fails if one that GODWIT_REQUIRE names (avx2,avx512 or neon) is
// missing: a test that silently tests nothing is worse than none.
func TestMain(m *testing.M) {
	var have []string
	for _, s := range Sets() {
		have = append(have, s.Name())
		if err := s.selfCheck(); err != nil {
			fmt.Println("kernels:", err)
			os.Exit(1)
		}
	}
	fmt.Println("kernels: sets of this machine:", strings.Join(have, " "))
	for _, want := range strings.FieldsFunc(os.Getenv("GODWIT_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(have, want) {
			fmt.Printf("kernels: GODWIT_REQUIRE=%s, but this run cannot exercise %s\n", os.Getenv("GODWIT_REQUIRE"), want)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
