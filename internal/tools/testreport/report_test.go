package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module writes a throw-away module and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.test/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const head = "package p\n\nimport \"testing\"\n\n"

func TestExitAndClosingLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		source string
		flags  []string
		exit   int
		close  string
		says   string
	}{
		{"pass", head + "func TestA(t *testing.T) { t.Run(\"x\", func(*testing.T) {}) }", nil, 0, "2 passed, 0 failed", "ok    example.test/m  2 tests"},
		{"fail", head + "func TestA(*testing.T) {}\nfunc TestB(t *testing.T) { t.Error(\"seven is not eight\") }", nil, 1, "1 passed, 1 failed", "seven is not eight"},
		{"no build", head + "func TestA(t *testing.T) { nope() }", nil, 1, "0 passed, 1 failed", "undefined: nope"},
		{"panic", head + "func TestA(t *testing.T) { panic(\"bang\") }", nil, 1, "0 passed, 1 failed", "bang"},
		{"exit", head + "import \"os\"\nfunc TestA(t *testing.T) { os.Exit(3) }", nil, 1, "0 passed, 1 failed", "=== RUN   TestA"},
		{"skip allowed", head + "func TestA(t *testing.T) { t.Skip(\"no btcd\") }\nfunc TestB(*testing.T) {}", nil, 0, "1 passed, 0 failed", "skipped: example.test/m.TestA"},
		{"skip refused", head + "func TestA(t *testing.T) { t.Skip(\"no btcd\") }\nfunc TestB(*testing.T) {}", []string{"-noskip"}, 1, "1 passed, 1 failed", "no btcd"},
		{"nothing ran", "package p\n", nil, 1, "0 passed, 0 failed", "no test ran"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			source := strings.Replace(tc.source, head+"import \"os\"\n", "package p\n\nimport (\n\"os\"\n\"testing\"\n)\n", 1)
			dir := module(t, map[string]string{"p_test.go": source})
			var out, errOut bytes.Buffer

			exit := run(t.Context(), append(append([]string{"-in", dir}, tc.flags...), "--", "-count=1"), &out, &errOut)

			if exit != tc.exit {
				t.Errorf("exit %d, want %d\n%s%s", exit, tc.exit, &out, &errOut)
			}
			if !strings.HasSuffix(out.String(), "\n"+tc.close+"\n") && out.String() != tc.close+"\n" {
				t.Errorf("closing line is not %q:\n%s", tc.close, &out)
			}
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("does not say %q:\n%s", tc.says, &out)
			}
		})
	}
}

func TestModulesAddUp(t *testing.T) {
	t.Parallel()
	a := module(t, map[string]string{"p_test.go": head + "func TestA(*testing.T) {}"})
	b := module(t, map[string]string{"q/q_test.go": head + "func TestA(*testing.T) {}", "r/r_test.go": head + "func TestA(t *testing.T) { t.Fail() }"})
	var out, errOut bytes.Buffer

	exit := run(t.Context(), []string{"-in", a, "-in", b + ":./q"}, &out, &errOut)

	if exit != 0 || !strings.HasSuffix(out.String(), "\n2 passed, 0 failed\n") {
		t.Errorf("exit %d\n%s", exit, &out)
	}
}

func TestPurePackagesRunWithoutRace(t *testing.T) {
	t.Parallel()
	// The detector needs a C compiler, which a machine for `make test` need not have: what is
	// given to go test is looked at for both, and run for the packages that go without.
	pure := module(t, map[string]string{"p_test.go": "//go:build !race\n\n" + head + "func TestA(*testing.T) {}"})
	var out, errOut bytes.Buffer

	exit := run(t.Context(), []string{"-pure", pure, "--", "-count=1", "-race"}, &out, &errOut)

	if exit != 0 || !strings.HasSuffix(out.String(), "\n1 passed, 0 failed\n") {
		t.Errorf("exit %d\n%s%s", exit, &out, &errOut)
	}
	given := []string{"-count=1", "-race"}
	if got := (target{}).flags(given); !slices.Equal(got, given) {
		t.Errorf("other packages are tested with %v, want %v", got, given)
	}
}

func TestWhereGoroutinesMeetTestsRunBothWays(t *testing.T) {
	t.Parallel()
	var in targets
	if err := (metTargets{&in}).Set("dir:./a=^TestB"); err != nil {
		t.Fatal(err)
	}
	given := []string{"-count=1", "-race"}
	if err := (metTargets{&in}).Set("dir:./b=^TestC"); err != nil {
		t.Fatal(err)
	}
	both := []string{"./a", "./b"}
	if len(in) != 2 || !slices.Equal(in[0].flags(given), []string{"-count=1", "-race", "-run", "^TestB|^TestC"}) ||
		!slices.Equal(in[1].flags(given), []string{"-count=1"}) || !slices.Equal(in[0].patterns, both) || !slices.Equal(in[1].patterns, both) {
		t.Errorf("got %+v", in)
	}
	for _, bad := range []string{"dir", "dir:./a", "dir:./a=", "dir:./a=(", "=^TestB"} {
		if err := (metTargets{new(targets)}).Set(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestWhatFailsInOneLaneIsNotTheOthers: both test a package of the same name at once, one with
// a failure that go test names and one with none but its exit code.
func TestWhatFailsInOneLaneIsNotTheOthers(t *testing.T) {
	t.Parallel()
	good := module(t, map[string]string{"p_test.go": head + "func TestA(*testing.T) {}\nfunc TestB(*testing.T) {}"})
	bad := module(t, map[string]string{"p_test.go": head + "func TestA(t *testing.T) { t.Error(\"seven is not eight\") }"})
	broken := filepath.Join(t.TempDir(), "nowhere")
	for _, tc := range []struct {
		args  []string
		close string
	}{
		{[]string{"-in", good, "-pure", good, "-alone", good}, "6 passed, 0 failed"},
		{[]string{"-in", good, "-pure", bad}, "2 passed, 1 failed"},
		{[]string{"-in", bad, "-pure", good}, "2 passed, 1 failed"},
		{[]string{"-in", bad, "-pure", broken}, "0 passed, 2 failed"},
		{[]string{"-in", good, "-alone", bad}, "2 passed, 1 failed"},
	} {
		var out, errOut bytes.Buffer
		exit := run(t.Context(), append(tc.args, "--", "-count=1"), &out, &errOut)
		if want := strings.HasSuffix(tc.close, " 0 failed"); (exit == 0) != want || !strings.HasSuffix(out.String(), "\n"+tc.close+"\n") {
			t.Errorf("%v: exit %d, want %q\n%s%s", tc.args, exit, tc.close, &out, &errOut)
		}
	}
}

func TestBadFlagOfGoTestIsAFailure(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{"p_test.go": head + "func TestA(*testing.T) {}"})
	var out, errOut bytes.Buffer

	if exit := run(t.Context(), []string{"-in", dir, "--", "-nosuchflag"}, &out, &errOut); exit != 1 {
		t.Errorf("exit %d\n%s%s", exit, &out, &errOut)
	}
}

// TestAPromiseNeedsItsTestToPass runs a module whose tests pass, skip, fail and are
// not there, and holds a promise to each.
func TestAPromiseNeedsItsTestToPass(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{"a/a_test.go": head + "func TestGood(*testing.T) {}\nfunc TestSkipped(t *testing.T) { t.Skip() }\nfunc TestLeftOut(*testing.T) {}\n"})
	for test, want := range map[string]int{"a.TestGood": 0, "a.TestSkipped": 1, "a.TestLeftOut": 1, "a.TestAbsent": 1, "b.TestGood": 1} {
		path := filepath.Join(dir, test+".json")
		text := `[{"place": "home", "promise": "We never lie.", "tests": ["` + test + `"]}]`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, trouble bytes.Buffer
		code := run(t.Context(), []string{"-in", dir, "-promises", path, "-module", "example.test/m", "--", "-run", "TestGood|TestSkipped"}, &out, &trouble)
		if code != want || (want == 1) != strings.Contains(out.String(), "We never lie.") {
			t.Errorf("%s: exit %d, want %d:\n%s%s", test, code, want, out.String(), trouble.String())
		}
	}
	for name, text := range map[string]string{"empty": "[]", "none": "{"} {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, trouble bytes.Buffer
		if code := run(t.Context(), []string{"-in", dir, "-promises", path, "--", "-run", "TestGood"}, &out, &trouble); code != 1 {
			t.Errorf("%s: exit %d, want 1:\n%s%s", name, code, out.String(), trouble.String())
		}
	}
}
