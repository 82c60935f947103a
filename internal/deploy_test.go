package internal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnitsSetFlagsThatExist compares the environment of the systemd units with
// the flags of the programs: a variable that no flag reads would be ignored
// without a word.
func TestUnitsSetFlagsThatExist(t *testing.T) {
	t.Parallel()
	setting := regexp.MustCompile(`(?m)^Environment=CAUSEWAY_([A-Z_]+)=`)
	for unit, program := range map[string]string{
		"causeway-serve.service":  "causeway",
		"causeway-worker.service": "causeway",
		"causeway-prober.service": "causeway",
		"causeway-echo.service":   "causeway",
		"causeway-signer.service": "causeway-signer",
	} {
		text, err := os.ReadFile(filepath.Join("../deploy/systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		sources, err := filepath.Glob(filepath.Join("../cmd", program, "*.go"))
		if err != nil || len(sources) == 0 {
			t.Fatalf("no source of %s: %v", program, err)
		}
		var code bytes.Buffer
		for _, path := range sources {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(b)
		}
		for _, m := range setting.FindAllStringSubmatch(string(text), -1) {
			name := m[1]
			if program == "causeway-signer" {
				name = strings.TrimPrefix(name, "SIGNER_")
			}
			flag := `"` + strings.ToLower(strings.ReplaceAll(name, "_", "-")) + `"`
			if !bytes.Contains(code.Bytes(), []byte(flag)) {
				t.Errorf("%s sets CAUSEWAY_%s, and %s has no flag %s", unit, m[1], program, flag)
			}
		}
	}
}
