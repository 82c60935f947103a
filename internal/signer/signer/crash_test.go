package signer_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const program = "github.com/causeway-fund/causeway/cmd/causeway-signer"

// installed is a causeway-signer with a key and a journal in a folder.
type installed struct {
	binary, dir string
	key         *signer.Key
}

func (i installed) path(name string) string { return filepath.Join(i.dir, name) }

func buildProgram(t *testing.T, tags string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "causeway-signer")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", binary, program).CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func install(t *testing.T, binary string) installed {
	t.Helper()
	i := installed{binary: binary, dir: t.TempDir()}
	writeText(t, i.path("pass"), "a long passphrase\n")
	i.says(t, "keygen", "--work-factor", "10")
	i.says(t, "init", "--journal", i.path("journal"))
	var err error
	if i.key, err = signer.OpenKeyFile(i.path("key"), []byte("a long passphrase"), &chaincfg.SimNetParams); err != nil {
		t.Fatal(err)
	}
	return i
}

// says calls a command of the program for the key and returns what it prints.
func (i installed) says(t *testing.T, command string, args ...string) string {
	t.Helper()
	return i.run(t, append([]string{command, "--network", "simnet", "--key-file", i.path("key"), "--passphrase-file", i.path("pass")}, args...)...)
}

// run calls the program and returns what it prints.
func (i installed) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := i.program(t, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	return out
}

func (i installed) program(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), i.binary, args...).CombinedOutput()
	return string(out), err
}

// draft is newDraft with windows around the machine's time, which the program
// goes by.
func (i installed) draft(t *testing.T) *draft {
	t.Helper()
	d := newDraft(t, i.key)
	for i := range d.notes {
		d.notes[i].FirstDue = time.Now().UTC().Truncate(24 * time.Hour)
	}
	d.onBatch = func(b *decision.BatchNote) { b.Until = d.notes[0].FirstDue.AddDate(0, 0, 6) }
	return d
}

// running is one life of the program.
type running struct {
	cmd       *exec.Cmd
	listening bool // false: it died before
	drained   chan struct{}
}

// start runs the program until it listens or dies. shell, if set, is put before
// the command line.
func (i installed) start(t *testing.T, shell string, env ...string) *running {
	t.Helper()
	args := []string{
		"run", "--network", "simnet", "--key-file", i.path("key"), "--journal", i.path("journal"),
		"--passphrase-file", i.path("pass"), "--socket", i.path("s"),
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, i.binary, args...)
	if shell != "" {
		cmd = exec.CommandContext(ctx, "sh", append([]string{"-c", shell + ` exec "$@"`, "sh", i.binary}, args...)...)
	}
	cmd.Env = append(os.Environ(), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{cmd: cmd, drained: make(chan struct{})}
	ready := make(chan bool, 1)
	go func() {
		defer close(r.drained)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"msg":"listening"`) {
				ready <- true
			}
		}
		ready <- false
	}()
	r.listening = <-ready
	return r
}

// end waits for the program's death and returns the signal that killed it.
func (r *running) end(t *testing.T) syscall.Signal {
	t.Helper()
	<-r.drained
	err := r.cmd.Wait()
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		t.Fatalf("the program ended with %v", err)
	}
	return status.Signal()
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := r.end(t); got != 0 {
		t.Errorf("killed by %v, want an orderly end", got)
	}
}

func (i installed) sign(t *testing.T, req signerrpc.Request) (signerrpc.Response, error) {
	t.Helper()
	client, err := signerrpc.New(signerrpc.Config{Socket: i.path("s")})
	if err != nil {
		t.Fatal(err)
	}
	return client.Sign(t.Context(), req)
}

// The program is killed at each label, and at each pair of labels in two lives,
// and asked again for the same until it answers. It must answer with the bytes
// that it would have given without a crash, from a journal of one record.
func TestKilledAtEveryLabel(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t, "crash")
	labels := []string{"S1", "S2", "S3", "S4", "S5", "S6", "S7"}
	for i, first := range labels {
		for _, second := range labels[i:] {
			t.Run(first+" "+second, func(t *testing.T) {
				t.Parallel()
				crashTwice(t, install(t, binary), first, second)
			})
		}
	}
}

func crashTwice(t *testing.T, at installed, first, second string) {
	t.Helper()
	d := at.draft(t)
	req := d.request(t)
	control := newSigner(t, at.key, filepath.Join(t.TempDir(), "journal"), clock.NewFake(d.notes[0].FirstDue))
	want, err := control.Sign(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}

	once := at.path("once")
	deaths := 0
	for life := 0; ; life++ {
		if life > 3 {
			t.Fatal("no answer in four lives")
		}
		r := at.start(t, "", "CRASH_AT="+first+","+second, "CRASH_ONCE="+once)
		var got signerrpc.Response
		err := errors.New("died at the start")
		if r.listening {
			got, err = at.sign(t, req)
		}
		if err == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("life %d (-without crash +got):\n%s", life, diff)
			}
		}
		if diedYet(once, first) && diedYet(once, second) && err == nil && deaths == distinct(first, second) {
			r.stop(t)
			break
		}
		if sig := r.end(t); sig != syscall.SIGKILL {
			t.Fatalf("life %d ended with %v, not at a label", life, sig)
		}
		deaths++
	}
	j, err := signer.ReadJournal(at.path("journal"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(j.Records()); got != 1 || j.Records()[0].TxID != want.TxID {
		t.Errorf("%d records, want 1 for %s", got, want.TxID)
	}
}

func diedYet(once, label string) bool {
	_, err := os.Stat(once + "." + label)
	return err == nil
}

func distinct(a, b string) int {
	if a == b {
		return 1
	}
	return 2
}

// S9: the disk fills up in the middle of a journal line. A limit on the size of
// a file stands for it.
func TestDiskFullWhileJournalling(t *testing.T) {
	t.Parallel()
	at := install(t, buildProgram(t, ""))
	r := at.start(t, "ulimit -f 5;")
	if !r.listening {
		t.Fatal("the program does not start")
	}
	var d *draft
	failed := false
	for n := range uint32(20) {
		d = at.draft(t)
		d.number = n + 1
		d.coins = []coin{newCoin(t, at.key.Descriptor(), n, 4_000_000)}
		for i := range d.notes {
			d.notes[i].Decision[0] = byte(n + 1)
		}
		_, err := at.sign(t, d.request(t))
		if err == nil {
			continue
		}
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Params["rule"] != "journal_unwritable" {
			t.Fatalf("got %v, want journal_unwritable", err)
		}
		failed = true
		break
	}
	if !failed {
		t.Fatal("the disk never filled up")
	}
	before, err := signer.ReadJournal(at.path("journal"))
	if err != nil || before.Repaired != 0 {
		t.Fatalf("the journal was left with %d torn bytes (%v)", before.Repaired, err)
	}
	r.stop(t)

	r = at.start(t, "")
	if _, err := at.sign(t, d.request(t)); err != nil {
		t.Errorf("with room on the disk: %v", err)
	}
	r.stop(t)
	after, err := signer.ReadJournal(at.path("journal"))
	if err != nil || len(after.Records()) != len(before.Records())+1 {
		t.Errorf("%d records after %d (%v)", len(after.Records()), len(before.Records()), err)
	}
}
