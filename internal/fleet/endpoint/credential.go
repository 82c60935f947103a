package endpoint

import (
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// withoutSecrets returns text without what a check with a credential of ours has
// no need of: a prober is not to learn an operator's own key.
func withoutSecrets(text string, spec link.Spec) string {
	switch v := spec.(type) {
	case link.SOCKS5:
		return "socks5://" + v.Addr.String()
	case link.HTTP:
		return "http://" + v.Addr.String()
	case link.WireGuard:
		var kept []string
		for line := range strings.SplitSeq(text, "\n") {
			name, _, _ := strings.Cut(line, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "privatekey") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "\n")
	}
	return text
}
