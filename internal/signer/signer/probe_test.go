package signer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// TestInfoSaysThatTheJournalCannotBeWritten takes the disk's room away and gives it
// back: the signer says so by itself, tests no more often than it must, and leaves
// nothing behind.
func TestInfoSaysThatTheJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	path, clk := filepath.Join(t.TempDir(), "journal"), fakeClock()
	client, _ := serve(t, newSigner(t, newKey(t, wallet.KindTR), path, clk))
	want := func(when string, trouble bool) {
		t.Helper()
		info, err := client.Info(t.Context())
		if err != nil || info.JournalTrouble != trouble || (info.Trouble() != nil) != trouble {
			t.Errorf("%s: %v, %v, want trouble %t", when, info.Trouble(), err, trouble)
		}
	}
	want("on a good disk", false)
	probe := path + ".probe"
	if _, err := os.Stat(probe); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a test of the disk was left behind: %v", err)
	}
	if err := os.Mkdir(probe, 0o700); err != nil { // nothing can be written there
		t.Fatal(err)
	}
	want("a moment later", false)
	clk.Advance(10 * time.Second)
	want("on a bad disk", true)
	if err := os.Remove(probe); err != nil {
		t.Fatal(err)
	}
	clk.Advance(10 * time.Second)
	want("on a good disk again", false)
}

// TestASignerOnAFullDiskSaysSo starts the real program with no room for a file of
// more than some bytes.
func TestASignerOnAFullDiskSaysSo(t *testing.T) {
	t.Parallel()
	at := install(t, buildProgram(t, ""))
	r := at.start(t, "ulimit -f 5;")
	defer r.stop(t)
	client, err := signerrpc.New(signerrpc.Config{Socket: at.path("s")})
	if err != nil {
		t.Fatal(err)
	}
	info, err := client.Info(t.Context())
	if err != nil || errs.CodeOf(info.Trouble()) != "journal_unwritable" {
		t.Errorf("got %v, %v, want journal_unwritable", info.Trouble(), err)
	}
	if _, err := os.Stat(at.path("journal") + ".probe"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a test of the disk was left behind: %v", err)
	}
}
