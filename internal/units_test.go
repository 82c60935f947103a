package internal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wrongUnit is a name that holds a feerate in satoshi per virtual byte or a share in
// per cent. Feerates are whole satoshi per 1,000 virtual bytes and end in sat_kvb, since
// nodes relay from 0.1 sat/vB; shares are thousandths and end in permille. People read
// and type sat/vB and per cent, which are texts.
var wrongUnit = regexp.MustCompile(`(?i)(?:sat_?vb|sat-vb|sat_?per_?vb|[a-z]_percent|-percent|per_mill|permill)\b|[a-z]Percent\b|PerMill\b`)

// notOurUnits are the files in which names of others stand.
var notOurUnits = []string{
	"CHANGELOG.md", "internal/units_test.go", "internal/bitcoin/txbuild/testdata/", "internal/edge/web/browser/testdata/", "internal/tools/oracle/node_modules/",
}

// TestOneUnitForFeeratesAndOneForShares looks at every name in code, SQL, the
// specification, pages, command lines, notes and documents.
func TestOneUnitForFeeratesAndOneForShares(t *testing.T) {
	t.Parallel()
	looked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base != ".." && strings.HasPrefix(base, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		for _, other := range notOurUnits {
			if strings.HasPrefix(name, other) {
				return nil
			}
		}
		switch filepath.Ext(name) {
		case ".go", ".templ", ".sql", ".yaml", ".json", ".md", ".txt", ".golden", ".sh", ".js":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for n, line := range strings.Split(string(text), "\n") {
			if found := wrongUnit.FindString(line); found != "" {
				t.Errorf("%s:%d: %q; feerates end in sat_kvb, shares in permille", name, n+1, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 500 {
		t.Errorf("looked at %d files only", looked)
	}
}

// The names that the rule is about, and some that it leaves alone.
func TestWrongUnits(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]bool{
		"fee_sat_vb": true, "MaxFeeRateSatVB": true, "FeeSatVb": true, "--max-feerate-sat-vb": true, "max_fee_percent": true, "MaxFeePercent": true,
		"--max-fee-percent": true, "fee_per_mill": true, "FeePerMill": true, "SatPerVB(": true, "sat/vB": false, "max_feerate_sat_kvb": false,
		"RateSatKVB": false, "fee_permille": false, "percentile_disc": false, "FormatPermille(": false, "5 per cent": false, "unit.vb": false,
	} {
		if got := wrongUnit.MatchString(name); got != wrong {
			t.Errorf("%q: %v", name, got)
		}
	}
}
