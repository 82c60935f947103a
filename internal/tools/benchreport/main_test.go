package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module is a module with benchmarks of each fate.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n",
		"a/a_test.go": `package a

import (
	"fmt"
	"testing"
)

func BenchmarkFast(b *testing.B) {
	for b.Loop() {
	}
	b.ReportMetric(1.25, "x_peer")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkParts(b *testing.B) {
	b.Run("one", func(b *testing.B) { b.ReportMetric(2, "x") })
	b.Run("two", func(b *testing.B) { b.ReportMetric(3, "x") })
}

func BenchmarkTalks(b *testing.B) {
	fmt.Println("of something")
	for b.Loop() {
	}
}

func BenchmarkSkipped(b *testing.B) { b.Skip("not here") }
`,
		"b/b_test.go":       "package b\n\nimport \"testing\"\n\nfunc BenchmarkBroken(b *testing.B) { b.Fatal(\"no\") }\n",
		"c/c_other_test.go": "//go:build other\n\npackage c\n\nimport \"testing\"\n\nfunc BenchmarkOther(b *testing.B) {}\n",
		"c/c.go":            "package c\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEveryBenchmarkIsAccountedFor(t *testing.T) {
	t.Parallel()
	dir := module(t)
	for name, tc := range map[string]struct {
		args []string
		code int
		want []string
		not  []string
	}{
		"all": {
			code: 1,
			want: []string{
				"  a  Fast       1.250 x_peer", "  a  Parts/one", "  a  Parts/two", "  a  Talks",
				"  example.com/m/a BenchmarkSkipped: it gave no result", "  example.com/m/b BenchmarkBroken: it gave no result",
				"  example.com/m/c BenchmarkOther: not built with these tags on this system\n",
			},
			not: []string{"BenchmarkFast:", "BenchmarkParts:", "BenchmarkTalks:"},
		},
		"one": {
			args: []string{"-bench", "Fast", "./a"},
			want: []string{
				"  a  Fast  1.250 x_peer", "a BenchmarkParts: not asked for\n", "b BenchmarkBroken: not asked for\n", "c BenchmarkOther: not asked for\n",
			},
		},
		"of another tag": {args: []string{"-tags", "other", "-bench", "Other"}, want: []string{"b BenchmarkBroken: not asked for\n"}, not: []string{"BenchmarkOther:"}},
		"no package":     {args: []string{"./nowhere"}, code: 1},
		"no pattern":     {args: []string{"-bench", "("}, code: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			args := append([]string{"-in", dir}, tc.args...)
			if code := run(t.Context(), args, &out, &errs); code != tc.code {
				t.Errorf("exit %d, want %d: %s", code, tc.code, errs.String())
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
			for _, not := range tc.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("%q is in\n%s", not, out.String())
				}
			}
		})
	}
}

// TestOnlyRatiosAreKept: what is compared with another day's run holds nothing of the machine.
func TestOnlyRatiosAreKept(t *testing.T) {
	t.Parallel()
	dir, file := module(t), filepath.Join(t.TempDir(), "ratios")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-in", dir, "-bench", "Fast|Parts|Talks", "-count", "2", "-ratios", file, "./a"}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s%s", code, errs.String(), out.String())
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = "pkg: example.com/m/a\n" +
		"BenchmarkFast\t1\t1.250 x_peer\nBenchmarkFast\t1\t1.250 x_peer\n" +
		"BenchmarkParts/one\t1\t2.000 x\nBenchmarkParts/one\t1\t2.000 x\n" +
		"BenchmarkParts/two\t1\t3.000 x\nBenchmarkParts/two\t1\t3.000 x\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnitsThatAreRatios(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string]bool{
		"x": true, "x_btcec": true, "x-bare": true, "ratio": true, "ours-paid/needed": true,
		"ns/op": false, "B/op": false, "max": false, "ms_x": false, "ratios": false, "calls/s": false,
	} {
		if ratio.MatchString(unit) != want {
			t.Errorf("%s: %v, want %v", unit, !want, want)
		}
	}
}
