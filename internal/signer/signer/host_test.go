package signer_test

import (
	"errors"
	"os"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
)

// The program is halted on its host, dies, and is halted still; only the host lifts that.
func TestTheHostHaltsTheProgram(t *testing.T) {
	t.Parallel()
	at := install(t, buildProgram(t, ""))
	d := at.draft(t)
	signs := func(want string) {
		t.Helper()
		_, err := at.sign(t, d.request(t))
		e := (*errs.Error)(nil)
		if want == "" && err != nil || want != "" && (!errors.As(err, &e) || e.Params["rule"] != want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	halt := func(args ...string) { at.run(t, append([]string{"halt", "--socket", at.path("s")}, args...)...) }

	r := at.start(t, "")
	if info, err := os.Stat(at.path("s.host")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the host's socket has mode %v (%v), want 0600", info.Mode(), err)
	}
	signs("")
	halt()
	signs("host_halted")
	r.stop(t)
	r = at.start(t, "")
	signs("host_halted")
	halt("--lift")
	signs("")
	r.stop(t)
}

// Killed while it journals the halt, the program starts again and can be halted again.
func TestAHostHaltIsKilledAtEveryLabel(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t, "crash")
	for _, label := range []string{"S3", "S4", "S7"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			at := install(t, binary)
			d := at.draft(t)
			r := at.start(t, "", "CRASH_AT="+label, "CRASH_ONCE="+at.path("once"))
			if _, err := at.program(t, "halt", "--socket", at.path("s")); err == nil {
				t.Error("halt says that it is done, though the signer died")
			}
			r.end(t)
			r = at.start(t, "")
			if !r.listening {
				t.Fatal("the program does not start again")
			}
			at.run(t, "halt", "--socket", at.path("s"))
			if _, err := at.sign(t, d.request(t)); err == nil {
				t.Error("signed while halted")
			}
			r.stop(t)
		})
	}
}
