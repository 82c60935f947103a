package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// asVictim makes this test binary's TestVictim print where its server is and
// wait to be killed.
const asVictim = "CAUSEWAY_PGTEST_VICTIM"

func TestServerAndFolderGoWithAKilledProcess(t *testing.T) {
	t.Parallel()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, pgtest.EnvURL+"=") { // it must start a server of its own
			victim.Env = append(victim.Env, kv)
		}
	}
	victim.Env = append(victim.Env, asVictim+"=1")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir, socket, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok {
		t.Fatalf("victim said %q", line)
	}
	pidFile, err := os.ReadFile(dir + "/postmaster.pid")
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(string(pidFile), "\n")

	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // "signal: killed"

	waitNoFile(t, dir)
	waitNoFile(t, socket)
	if comm, err := os.ReadFile("/proc/" + pid + "/comm"); err == nil && strings.TrimSpace(string(comm)) == "postgres" {
		t.Errorf("PostgreSQL (process %s) outlived the test process", pid)
	}
}

func waitNoFile(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s is still there", path)
		}
	}
}

// TestVictim is the process that the test above kills; by itself it passes.
func TestVictim(t *testing.T) {
	t.Parallel()
	if os.Getenv(asVictim) == "" {
		return
	}
	db := pgtest.NewSchema(t, schema)
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	var dir, socket string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('data_directory'), current_setting('unix_socket_directories')").Scan(&dir, &socket); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, dir, socket)
	select {}
}
