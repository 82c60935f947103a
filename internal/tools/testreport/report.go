package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one line of "go test -json" (cmd/test2json and, for build trouble,
// "go help buildjson").
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
	Time       time.Time
}

// testKey names one test of one package; an empty test is the package itself.
type testKey struct{ pkg, test string }

// report counts tests and prints as it goes. Two runs of go test may write to it at once: each
// tests packages in another way, so what a package says is kept for each run apart.
type report struct {
	mu             sync.Mutex
	out            io.Writer
	noSkip         bool
	passed, failed int
	skipped        []string
	failures       []string
	passedTests    map[string]bool // "import/path.TestName"
	times          times
}

// lane is one run of go test.
type lane struct {
	*report
	output          map[testKey][]string
	failedInPackage map[string]int
	passedInPackage map[string]int
	failed          int
}

func newReport(out io.Writer, noSkip bool) *report {
	return &report{
		out: out, noSkip: noSkip,
		passedTests: map[string]bool{},
	}
}

// read takes in the events of one go test until its end, and returns how many failures they
// told of. A line that is not an event is printed as it is.
func (r *report) read(in io.Reader) (failures int, err error) {
	l := &lane{
		report:          r,
		output:          map[testKey][]string{},
		failedInPackage: map[string]int{},
		passedInPackage: map[string]int{},
	}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var ev event
			known := json.Unmarshal([]byte(line), &ev) == nil
			r.mu.Lock()
			if known {
				l.take(ev)
			} else {
				fmt.Fprint(r.out, line)
			}
			r.mu.Unlock()
		}
		if err == io.EOF {
			return l.failed, nil
		}
		if err != nil {
			return l.failed, err
		}
	}
}

func (r *lane) take(ev event) {
	key := testKey{ev.Package, ev.Test}
	r.times.see(ev.Time)
	switch ev.Action {
	case "output":
		r.output[key] = append(r.output[key], ev.Output)
	case "build-output":
		fmt.Fprint(r.out, ev.Output)
	case "pass", "fail", "skip":
		if ev.Test == "" {
			r.endPackage(ev)
		} else {
			r.endTest(ev, key)
		}
	}
}

func (r *lane) endTest(ev event, key testKey) {
	if !strings.Contains(ev.Test, "/") {
		took := time.Duration(ev.Elapsed * float64(time.Second))
		r.times.tests = append(r.times.tests, timing{ev.Package + "." + ev.Test, took})
	}
	switch ev.Action {
	case "pass":
		r.passed++
		r.passedInPackage[ev.Package]++
		r.passedTests[ev.Package+"."+ev.Test] = true
	case "skip":
		r.skipped = append(r.skipped, ev.Package+"."+ev.Test)
		if r.noSkip {
			r.failedInPackage[ev.Package]++
			r.fails(
				ev.Package+"."+ev.Test,
				"skipped, and here nothing may be skipped\n"+strings.Join(r.output[key], ""),
			)
		}
	case "fail":
		r.failedInPackage[ev.Package]++
		r.fails(ev.Package+"."+ev.Test, strings.Join(r.output[key], ""))
	}
	delete(r.output, key)
}

// endPackage counts a package that failed without a failed test (it did not
// build, or its process died) as one failure, with all that it had said.
func (r *lane) endPackage(ev event) {
	took := time.Duration(ev.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch ev.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok    %s  %d tests  %s\n", ev.Package, r.passedInPackage[ev.Package], took)
	case "fail":
		if r.failedInPackage[ev.Package] == 0 {
			r.fails(ev.Package, r.outputOf(ev.Package))
		}
		fmt.Fprintf(r.out, "FAIL  %s  %s\n", ev.Package, took)
	}
	for key := range r.output {
		if key.pkg == ev.Package {
			delete(r.output, key)
		}
	}
}

// outputOf returns what is left of a package's output: its own, then that of the
// tests that never ended.
func (r *lane) outputOf(pkg string) string {
	var keys []testKey
	for key := range r.output {
		if key.pkg == pkg {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b testKey) int { return strings.Compare(a.test, b.test) })
	var b strings.Builder
	for _, key := range keys {
		b.WriteString(strings.Join(r.output[key], ""))
	}
	return b.String()
}

// fails counts one failure of this run.
func (r *lane) fails(name, why string) {
	r.failed++
	r.count(name, why)
}

// fail counts one failure and prints why.
func (r *report) fail(name, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(name, why)
}

// count is fail for who holds mu.
func (r *report) count(name, why string) {
	r.failed++
	r.failures = append(r.failures, name)
	fmt.Fprintf(r.out, "--- FAIL %s\n%s\n", name, strings.TrimRight(why, "\n"))
}

// close prints the summary and reports whether all is well.
func (r *report) close() bool {
	for _, name := range r.failures {
		fmt.Fprintf(r.out, "failed: %s\n", name)
	}
	if !r.noSkip {
		for _, name := range r.skipped {
			fmt.Fprintf(r.out, "skipped: %s\n", name)
		}
	}
	if r.passed == 0 && r.failed == 0 {
		fmt.Fprintln(r.out, "no test ran")
	}
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, r.failed)
	return r.failed == 0 && r.passed > 0
}
