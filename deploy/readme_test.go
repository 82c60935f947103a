// Package deploy_test follows README.md to the letter.
package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/devnet/proc"
)

const passphrase = "correct horse battery staple"

// standIns are commands that cannot be what they are outside of a machine of its
// own. Each does the part of it that the steps after it depend on, and nothing else.
// ROOT and the PG variables are in their environment.
var standIns = map[string]string{
	// No accounts are made here: owners and groups are left out.
	"systemd-sysusers": `exit 0`,
	"chgrp":            `exit 0`,
	"install": `args=()
while (($#)); do case "$1" in -o|-g) shift 2 ;; *) args+=("$1"); shift ;; esac; done
exec /usr/bin/install "${args[@]}"`,
	// The units are started by the test, after the block that asks for them.
	"systemctl": `case "$1" in
daemon-reload) ;;
enable) [[ "$2" == --now ]] && shift 2 && printf '%s\n' "$@" >>"$ROOT/wanted" ;;
*) echo "no stand-in for systemctl $*" >&2; exit 1 ;;
esac`,
	"systemd-ask-password": `echo '` + passphrase + `'`,
	"systemd-creds":        `[[ "$1" == encrypt && "$2" == --name=causeway-signer-passphrase && "$3" == - ]] && cat >"$4"`,
	"systemd-run": `while [[ "$1" == --* ]]; do
	case "$1" in
	--quiet|--pipe|--wait|--uid=*|--gid=*) ;;
	--property=LoadCredentialEncrypted=*)
		pair="${1#--property=LoadCredentialEncrypted=}"
		export CREDENTIALS_DIRECTORY="$ROOT/transient"
		mkdir -p "$CREDENTIALS_DIRECTORY" && /usr/bin/install -m 0400 "${pair#*:}" "$CREDENTIALS_DIRECTORY/${pair%%:*}" ;;
	*) echo "no stand-in for systemd-run $1" >&2; exit 1 ;;
	esac
	shift
done
exec "$@"`,
	// The superuser of the test's PostgreSQL.
	"runuser": `[[ "$1" == -u && "$2" == postgres && "$3" == -- ]] && shift 3
PGHOST=127.0.0.1 PGPORT="$SUPER_PORT" PGUSER="$SUPER_USER" PGPASSWORD="$SUPER_PASSWORD" PGDATABASE=postgres exec "$@"`,
}

// machine is the folder that stands for the root of a server, and its ports.
type machine struct {
	root                                 string
	env                                  []string
	postgres, rpc, serve, admin, adminOf int // adminOf is the worker's
	units                                map[string]*proc.Process
}

var ownPath = regexp.MustCompile(`(?m)(^|[\s"'=:(>-])/(etc|var/lib|usr/bin|usr/lib|run)/`)

// here is the table of all that is changed in what is printed: paths, ports and the
// network. The settings that are added keep btcd alone and the dashboard off a port
// that may be taken.
func (m *machine) here(text string) string {
	text = ownPath.ReplaceAllString(text, "${1}"+m.root+"/${2}/")
	at := func(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
	return strings.NewReplacer(
		"127.0.0.1:5432", at(m.postgres), "127.0.0.1:8334", at(m.rpc), "127.0.0.1:9090", at(m.admin), "127.0.0.1:9091", at(m.adminOf),
		"mainnet", "simnet",
		"[Application Options]\n", "[Application Options]\nsimnet=1\nnolisten=1\nnodnsseed=1\n",
		"CAUSEWAY_TRUSTED_PROXY=127.0.0.1\n", "CAUSEWAY_TRUSTED_PROXY=127.0.0.1\nCAUSEWAY_LISTEN="+at(m.serve)+"\n",
	).Replace(text)
}

// TestReadmeAsPrinted runs each command of README.md in the order of the page, and
// then the units that it enables. At the end the programs answer, and the link that
// it prints opens.
func TestReadmeAsPrinted(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var said string
	blocks := commands(t)
	for i, block := range blocks {
		if line := strings.TrimSpace(block); strings.Contains(line, "systemctl enable") && strings.LastIndex(line, "\n") > strings.Index(line, "systemctl enable") {
			t.Errorf("block %d goes on after units are enabled, which here start after it:\n%s", i, block)
		}
		said += m.run(t, block)
		m.startWanted(t)
	}

	for _, want := range []string{"btcd", "causeway-signer", "causeway-serve", "causeway-worker"} {
		if m.units[want] == nil {
			t.Errorf("the page never enables %s", want)
		}
	}
	m.answer(t, m.admin, "/readyz")
	m.answer(t, m.adminOf, "/readyz")
	link := regexp.MustCompile(`(?m)^https://grants\.example\.org(/enrol/\S+)$`).FindStringSubmatch(said)
	if link == nil {
		t.Fatalf("no link for the first admin in:\n%s", said)
	}
	if page := m.answer(t, m.serve, link[1]); !strings.Contains(page, "Ada") {
		t.Errorf("the link of the first admin shows:\n%s", page)
	}
	if log := m.read(t, "var/lib/btcd/logs/simnet/btcd.log"); strings.Contains(log, "[WRN] BTCD") {
		t.Errorf("btcd did not understand its file:\n%s", log)
	}
}

// commands returns the blocks of the page that are run, without their indentation.
// A block of another kind shows a piece of a file and has no command in it.
func commands(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)^ *```$")
	var blocks []string
	for _, found := range fence.FindAllSubmatch(page, -1) {
		text := regexp.MustCompile(`(?m)^`+string(found[1])).ReplaceAllString(string(found[3]), "")
		switch {
		case string(found[2]) == "sh":
			blocks = append(blocks, text)
		case regexp.MustCompile(`(?m)^(causeway|btcctl|systemctl|install|runuser) `).MatchString(text):
			t.Errorf("a command that no test runs, for want of ```sh:\n%s", text)
		}
	}
	if len(blocks) < 10 {
		t.Fatalf("%d blocks of commands; were they renamed?", len(blocks))
	}
	return blocks
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	// A short path: a socket's may have a hundred bytes.
	root, err := pgserver.TempDir("cw-deploy-")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{root: root, units: map[string]*proc.Process{}}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	pg, err := pgserver.Start(t.Context(), pgserver.Config{Dir: filepath.Join(root, "postgres"), Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Kill(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { m.stop(t) })
	m.postgres = pg.Port()
	for _, port := range []*int{&m.rpc, &m.serve, &m.admin, &m.adminOf} {
		if *port, err = proc.Port(t.Context(), 0, "a unit"); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"usr/bin", "usr/lib/sysusers.d", "etc/systemd/system", "var/lib", "run", "log", "standins"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range standIns {
		m.write(t, "standins/"+name, "#!/usr/bin/env bash\nset -euo pipefail\n"+text+"\n", 0o755)
	}
	m.write(t, "state", "", 0o600)
	super, err := url.Parse(pg.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := super.User.Password()
	in, err := pgserver.Find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	m.env = []string{
		"ROOT=" + root, "SUPER_PORT=" + super.Port(), "SUPER_USER=" + super.User.Username(), "SUPER_PASSWORD=" + password,
		"PATH=" + strings.Join([]string{root + "/standins", root + "/usr/bin", in.BinDir, os.Getenv("PATH")}, ":"),
	}
	for _, name := range []string{"HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN"} {
		if value, ok := os.LookupEnv(name); ok {
			m.env = append(m.env, name+"="+value)
		}
	}
	return m
}

// run gives one block to the shell, with the variables that earlier ones set, and
// returns what it printed.
func (m *machine) run(t *testing.T, block string) string {
	t.Helper()
	script := `set -euo pipefail; . "$ROOT/state"; set -a` + "\n" + m.here(block) + "\n" + `{ export -p; umask -p; } >"$ROOT/state"`
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir, cmd.Env = "..", m.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v in:\n%s\nIt said:\n%s", err, block, out.String())
	}
	return out.String()
}

func (m *machine) startWanted(t *testing.T) {
	t.Helper()
	path := filepath.Join(m.root, "wanted")
	wanted, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(wanted)) {
		m.units[name] = m.start(t, name)
	}
}

// start does what systemd does with the installed unit, but for its fences and its
// user: credentials, folders, environment and command.
func (m *machine) start(t *testing.T, name string) *proc.Process {
	t.Helper()
	credentials := filepath.Join(m.root, "credentials", name)
	if err := os.MkdirAll(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/usr/bin:/bin", "CREDENTIALS_DIRECTORY=" + credentials}
	var command []string
	for line := range strings.Lines(m.here(m.read(t, "etc/systemd/system/"+name+".service"))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.ReplaceAll(value, "%d", credentials)
		switch key {
		case "LoadCredential", "LoadCredentialEncrypted":
			id, path, _ := strings.Cut(value, ":")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m.write(t, "credentials/"+name+"/"+id, string(text), 0o400)
		case "StateDirectory", "RuntimeDirectory":
			parent := map[string]string{"StateDirectory": "var/lib", "RuntimeDirectory": "run"}[key]
			if err := os.MkdirAll(filepath.Join(m.root, parent, value), 0o700); err != nil {
				t.Fatal(err)
			}
		case "Environment":
			env = append(env, value)
		case "EnvironmentFile":
			text, err := os.ReadFile(strings.TrimPrefix(value, "-"))
			if err != nil && (!os.IsNotExist(err) || !strings.HasPrefix(value, "-")) {
				t.Fatalf("%s: %v", name, err)
			}
			env = append(env, strings.Fields(string(text))...)
		case "ExecStart":
			command = strings.Fields(value)
		}
	}
	log, err := os.Create(filepath.Join(m.root, "log", name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(proc.Spec{Path: command[0], Args: command[1:], Env: env, Dir: m.root, Output: log})
	if closeErr := log.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// answer waits until a program answers that all is well, and returns what it says.
func (m *machine) answer(t *testing.T, port int, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		status, said := get(t, "http://127.0.0.1:"+strconv.Itoa(port)+path)
		if status == http.StatusOK {
			return said
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s answers %d:\n%s\n%s", path, status, said, m.logs(t))
		}
	}
}

func get(t *testing.T, address string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (m *machine) logs(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for name := range m.units {
		fmt.Fprintf(&all, "== %s\n%s\n", name, m.read(t, "log/"+name))
	}
	return all.String()
}

func (m *machine) read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (m *machine) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, path), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// stop ends the units, those that ask others first.
func (m *machine) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	for _, name := range []string{"causeway-worker", "causeway-serve", "causeway-signer", "btcd"} {
		if p := m.units[name]; p != nil {
			if err := p.Stop(ctx); err != nil {
				t.Errorf("stop %s: %v\n%s", name, err, m.read(t, "log/"+name))
			}
		}
	}
}

// TestUnitsRunAsUsersThatAreMade holds the units against the file that makes their
// users and groups.
func TestUnitsRunAsUsersThatAreMade(t *testing.T) {
	t.Parallel()
	made, err := os.ReadFile("systemd/causeway.sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range regexp.MustCompile(`(?m)^[ug]\s+(\S+)`).FindAllStringSubmatch(string(made), -1) {
		names = append(names, line[1])
	}
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) < 6 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wanted := regexp.MustCompile(`(?m)^(?:User|Group|SupplementaryGroups)=(\S+)$`).FindAllStringSubmatch(string(text), -1)
		if len(wanted) == 0 && !bytes.Contains(text, []byte("\nDynamicUser=yes\n")) {
			t.Errorf("%s would run as root", path)
		}
		for _, w := range wanted {
			if !slices.Contains(names, w[1]) {
				t.Errorf("%s runs as %s, which nobody makes", path, w[1])
			}
		}
	}
}
