package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// target is a module and the packages to test in it.
type target struct {
	dir      string
	patterns []string
	pure     bool   // one goroutine: the race detector would find nothing and take its time
	alone    bool   // nothing else runs meanwhile
	run      string // the tests to run; "" for all
}

type targets []target

func (t *targets) String() string { return fmt.Sprint(*t) }

func (t *targets) Set(s string) error {
	dir, rest, found := strings.Cut(s, ":")
	if dir == "" {
		return errors.New("want DIR or DIR:PATTERN,PATTERN")
	}
	patterns := []string{"./..."}
	if found {
		patterns = strings.Fields(strings.ReplaceAll(rest, ",", " "))
	}
	*t = append(*t, target{dir: dir, patterns: patterns})
	return nil
}

// pureTargets reads packages that are tested without -race, those of one module in one run.
type pureTargets struct{ *targets }

func (p pureTargets) Set(s string) error {
	if err := p.targets.Set(s); err != nil {
		return err
	}
	(*p.targets)[len(*p.targets)-1].pure = true
	p.merge()
	return nil
}

// merge puts the last target into an earlier one that is run in the same way. Where tests
// are chosen, those of both are run in the packages of both.
func (t *targets) merge() {
	last := len(*t) - 1
	added := (*t)[last]
	for i, other := range (*t)[:last] {
		if other.dir != added.dir || other.pure != added.pure || other.alone || (other.run == "") != (added.run == "") {
			continue
		}
		(*t)[i].patterns = slices.Concat(other.patterns, added.patterns)
		if added.run != "" {
			(*t)[i].run += "|" + added.run
		}
		*t = (*t)[:last]
		return
	}
}

// aloneTargets reads packages that are tested last, without -race and with nothing beside them.
type aloneTargets struct{ *targets }

func (a aloneTargets) Set(s string) error {
	if err := a.targets.Set(s); err != nil {
		return err
	}
	last := &(*a.targets)[len(*a.targets)-1]
	last.pure, last.alone = true, true
	return nil
}

// metTargets reads DIR:PATTERN=REGEX: packages of which some tests alone have goroutines of
// ours that meet. Those are run with the flags as given, and all of them without -race.
type metTargets struct{ *targets }

func (m metTargets) Set(s string) error {
	all, run, found := strings.Cut(s, "=")
	if _, err := regexp.Compile(run); err != nil || !found || run == "" {
		return errors.New("want DIR:PATTERN=REGEX")
	}
	if err := m.targets.Set(all); err != nil {
		return err
	}
	(*m.targets)[len(*m.targets)-1].run = run
	m.merge()
	return pureTargets(m).Set(all)
}

// flags returns those for go test, of all that were given.
func (t target) flags(given []string) []string {
	flags := slices.DeleteFunc(slices.Clone(given), func(f string) bool { return t.pure && f == "-race" })
	if t.run != "" {
		flags = append(flags, "-run", t.run)
	}
	return flags
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testreport", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var in targets
	flags.Var(&in, "in", "module folder, with :PATTERN,PATTERN for other packages than ./...; may be repeated")
	flags.Var(pureTargets{&in}, "pure", "the same, for packages that start no goroutine: -race is left out")
	flags.Var(aloneTargets{&in}, "alone", "the same, for packages that are tested last, with nothing beside them")
	flags.Var(
		metTargets{&in},
		"met",
		"the same, as DIR:PATTERN=REGEX: every test without -race, and those of REGEX with it",
	)
	noSkip := flags.Bool("noskip", false, "count a skipped test as a failure")
	promised := flags.String("promises", "", "JSON file of promises; each of their tests has to pass in this run")
	module := flags.String("module", "", "path of the module that the tests of -promises are in")
	slowest := flags.Bool("slowest", false, "list the slowest tests")
	budget := flags.Duration("budget", 0, "fail when the tests take longer, and list the slowest; 0: they may")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if len(in) == 0 {
		in = targets{{dir: ".", patterns: []string{"./..."}}}
	}

	rep := newReport(stdout, *noSkip)
	in.run(ctx, flags.Args(), rep, stderr)
	if *promised != "" {
		if err := rep.keep(*promised, *module); err != nil {
			rep.fail(*promised, err.Error())
		}
	}
	if *slowest || *budget > 0 {
		rep.printTimes(*budget)
	}
	if !rep.close() {
		return 1
	}
	return 0
}

// run tests what wants the race detector in one lane and what does without in another, so that
// neither waits while the other one compiles or links; and then what is to be alone.
func (t targets) run(ctx context.Context, given []string, rep *report, stderr io.Writer) {
	stderr = &turns{out: stderr}
	var lanes sync.WaitGroup
	for _, pure := range []bool{false, true} {
		lanes.Go(
			func() { t.runThose(ctx, given, rep, stderr, func(t target) bool { return t.pure == pure && !t.alone }) },
		)
	}
	lanes.Wait()
	t.runThose(ctx, given, rep, stderr, func(t target) bool { return t.alone })
}

func (t targets) runThose(
	ctx context.Context,
	given []string,
	rep *report,
	stderr io.Writer,
	wanted func(target) bool,
) {
	for _, t := range t {
		if !wanted(t) {
			continue
		}
		if err := goTest(ctx, t, t.flags(given), rep, stderr); err != nil {
			rep.fail("go test in "+t.dir, err.Error())
		}
	}
}

// turns lets both lanes write, one after the other.
type turns struct {
	mu  sync.Mutex
	out io.Writer
}

func (t *turns) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(b)
}

// goTest runs one module's tests and feeds what they say to rep. It returns an
// error when go test failed and rep was told of no failure.
func goTest(ctx context.Context, t target, flags []string, rep *report, stderr io.Writer) error {
	args := append([]string{"test", "-json"}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, t.patterns...)...) //nolint:gosec // a developer's own flags
	cmd.Dir = t.dir
	cmd.Stderr = stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed, readErr := rep.read(out)
	waitErr := cmd.Wait()
	if readErr != nil {
		return fmt.Errorf("read its output: %w", readErr)
	}
	if failed == 0 {
		return waitErr
	}
	return nil
}
