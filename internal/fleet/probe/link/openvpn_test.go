package link_test

import (
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// TestOpenVPNWithoutCompression: settings that compress nothing still say what
// packets look like.
func TestOpenVPNWithoutCompression(t *testing.T) {
	t.Parallel()
	text := openvpnFile(t)
	for setting, want := range map[string]string{
		"verb 3": "", "comp-lzo no": "comp-lzo", "compress": "compress", "compress stub": "compress", "compress stub-v2": "", "compress migrate": "",
		"comp-lzo": "refused", "comp-lzo yes": "refused", "comp-lzo adaptive": "refused", "compress lz4-v2": "refused", "compress lzo": "refused",
		"compress\ncomp-lzo no": "refused",
	} {
		s, err := link.Parse(strings.Replace(text, "verb 3", setting, 1))
		if v, ok := s.(link.OpenVPN); (err != nil) != (want == "refused") || ok && v.Stub != want {
			t.Errorf("%q gives %q, %v", setting, v.Stub, err)
		}
	}
}
