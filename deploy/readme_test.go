// Package deploy_test follows README.md to the letter.
package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

const passphrase = "correct horse battery staple"

// standIns are commands that cannot be what they are outside of a machine of its
// own. Each does the part of it that the steps after it depend on, and nothing else.
// ROOT and the PG variables are in their environment.
var standIns = map[string]string{
	// No accounts are made here: owners and groups are left out.
	"systemd-sysusers": `exit 0`,
	"chgrp":            `exit 0`,
	// What a package brings along is here, but for the folder of nginx's sites.
	"apt-get":    `[[ "$1" == install ]] && mkdir -p "$ROOT/etc/nginx/conf.d"`,
	"nginx":      `[[ -s "$ROOT/etc/nginx/conf.d/causeway.conf" ]]`, // realfronts_test.go runs it
	"journalctl": `exit 0`,
	"install": `args=()
while (($#)); do case "$1" in -o|-g) shift 2 ;; *) args+=("$1"); shift ;; esac; done
exec /usr/bin/install "${args[@]}"`,
	// The units are started and stopped by the test, after the block that asks for it.
	"systemctl": `case "$1" in
daemon-reload|status) exit 0 ;;
enable) [[ "$2" == --now ]] && shift && set -- start "${@:2}" ;;
start|stop|restart) ;;
*) echo "no stand-in for systemctl $*" >&2; exit 1 ;;
esac
verb="$1"; shift
for unit; do [[ "$unit" == nginx ]] || echo "$verb $unit" >>"$ROOT/wanted"; done`,
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
	// The superuser of the test's PostgreSQL; other accounts are ours here.
	"runuser": `[[ "$1" == -u && "$3" == -- ]] || exit 1
[[ "$2" == postgres ]] || exec "${@:4}"
shift 3
PGHOST=127.0.0.1 PGPORT="$SUPER_PORT" PGUSER="$SUPER_USER" PGPASSWORD="$SUPER_PASSWORD" PGDATABASE=postgres exec "$@"`,
}

// machine is the folder that stands for the root of a server, and its ports.
type machine struct {
	root                                              string
	env                                               []string
	postgres, rpc, serve, admin, adminOf, onion, echo int // adminOf is the worker's
	units                                             map[string]*proc.Process
	stdin                                             *os.File // of the commands; nil: nothing is there
}

var ownPath = regexp.MustCompile(`(?m)(^|[\s"'=:(<>-])/(etc|var/lib|var/backups|usr/bin|usr/lib|run)/`)

// here is the table of all that is changed in what is printed: paths, ports and the
// network. The settings that are added keep btcd and the prober alone and the
// dashboard off a port that may be taken.
func (m *machine) here(text string) string {
	text = ownPath.ReplaceAllString(text, "${1}"+m.root+"/${2}/")
	at := func(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
	return strings.NewReplacer(
		"127.0.0.1:5432", at(m.postgres), "127.0.0.1:8334", at(m.rpc), "127.0.0.1:9090", at(m.admin), "127.0.0.1:9091", at(m.adminOf),
		"mainnet", "simnet",
		"[Application Options]\n", "[Application Options]\nsimnet=1\nnolisten=1\nnodnsseed=1\n",
		"--api https://grants.example.org", "--api http://"+at(m.serve),
		"CAUSEWAY_API=https://grants.example.org", `"CAUSEWAY_API=http://`+at(m.serve)+` CAUSEWAY_ANCHOR=`+at(m.serve)+` CAUSEWAY_RESOLVER=`+at(m.serve)+`"`,
		"127.0.0.1:8082", at(m.onion), "CAUSEWAY_LISTEN=:8081", "CAUSEWAY_LISTEN="+at(m.echo), "192.0.2.1:8081", at(m.echo),
		"CAUSEWAY_TRUSTED_PROXY=127.0.0.1\n", "CAUSEWAY_TRUSTED_PROXY=127.0.0.1\nCAUSEWAY_LISTEN="+at(m.serve)+"\n",
	).Replace(text)
}

// TestReadmeAsPrinted runs each command of README.md in the order of the page, and
// the units that it enables, and then those of RUNBOOK.md, which restore a backup. At
// the end all programs answer.
func TestReadmeAsPrinted(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var ada *staff
	for i, block := range commands(t, "README.md", 15) {
		if strings.Contains(block, "prober enrol") {
			m.typeIn(t, ada.addVantage(t, "fi-1"))
		}
		said := m.run(t, i, block)
		if link := regexp.MustCompile(`(?m)^https://grants\.example\.org(/enrol/\S+)$`).FindStringSubmatch(said); link != nil {
			m.answer(t, m.serve, "/healthz")
			ada = enrol(t, m.serve, link[1])
		}
	}
	for _, want := range []string{"btcd", "causeway-signer", "causeway-serve", "causeway-worker", "causeway-prober", "causeway-echo"} {
		if m.units[want] == nil {
			t.Errorf("the page never enables %s", want)
		}
	}
	m.answer(t, m.admin, "/readyz")
	m.answer(t, m.adminOf, "/readyz")
	m.answer(t, m.onion, "/healthz")
	m.answer(t, m.echo, "/echo?nonce="+strings.Repeat("0a", 16))
	if log := m.read(t, "var/lib/btcd/logs/simnet/btcd.log"); strings.Contains(log, "[WRN] BTCD") {
		t.Errorf("btcd did not understand its file:\n%s", log)
	}
	ada.seesAtWork(t, "fi-1")

	for i, block := range commands(t, "RUNBOOK.md", 4) {
		m.run(t, i, block)
	}
	m.answer(t, m.admin, "/readyz")
	m.answer(t, m.adminOf, "/readyz")
	ada.seesAtWork(t, "fi-1")
	for i, line := range inline(t) {
		m.run(t, i, line)
	}
}

// inline returns the commands that stand in sentences and are whole: with their flags,
// and without a word for something that the reader has to put there.
func inline(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, path := range []string{"README.md", "RUNBOOK.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile("`((?:causeway|causeway-signer|btcctl) [^`\n]*-[^`\n]*)`").FindAllStringSubmatch(string(page), -1) {
			if !regexp.MustCompile(`…| [A-Z]+( |$)`).MatchString(found[1]) {
				lines = append(lines, found[1]+"\n")
			}
		}
	}
	if len(lines) < 8 {
		t.Errorf("only %d commands in sentences: %q", len(lines), lines)
	}
	return lines
}

// commands returns the blocks of the page that are run, without their indentation.
// A block of another kind shows a piece of a file and has no command in it.
func commands(t *testing.T, path string, least int) []string {
	t.Helper()
	page, err := os.ReadFile(path)
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
		case string(found[2]) == "sql":
			blocks = append(blocks, `psql "$(cat /etc/causeway/worker/database-url)" -v ON_ERROR_STOP=1 <<'EOF'`+"\n"+text+"EOF\n")
		case regexp.MustCompile(`(?m)^(causeway|causeway-signer|btcctl|systemctl|install|runuser|curl|psql) `).MatchString(text):
			t.Errorf("a command that no test runs, for want of ```sh:\n%s", text)
		}
	}
	if len(blocks) < least {
		t.Fatalf("%s has %d blocks of commands; were they renamed?", path, len(blocks))
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
	for _, port := range []*int{&m.rpc, &m.serve, &m.admin, &m.adminOf, &m.onion, &m.echo} {
		if *port, err = proc.Port(t.Context(), 0, "a unit"); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"usr/bin", "usr/lib/sysusers.d", "etc/systemd/system", "var/lib", "var/backups", "run", "log", "standins"} {
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

// typeIn has the next command find a line at its terminal, which stays open.
func (m *machine) typeIn(t *testing.T, line string) {
	t.Helper()
	terminal, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = terminal.Close(), keyboard.Close() }) // nothing is lost with them
	if _, err := keyboard.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
	m.stdin = terminal
}

// run gives one block to the shell, with the variables that earlier ones set, starts
// and stops the units that it names, and returns what was printed.
func (m *machine) run(t *testing.T, number int, block string) string {
	t.Helper()
	later := regexp.MustCompile(`(?ms)^systemctl (?:enable|start|stop|restart) [^\n]*\n(.+)`).FindString(block)
	if later != "" {
		t.Errorf("block %d goes on after a unit is started or stopped, which here happens after it:\n%s", number, block)
	}
	script := `set -euo pipefail; . "$ROOT/state"; set -a` + "\n" + m.here(block) + "\n" + `{ export -p; umask -p; } >"$ROOT/state"`
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = "..", m.env, time.Second
	if m.stdin != nil {
		cmd.Stdin, m.stdin = m.stdin, nil
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v in:\n%s\nIt said:\n%s\n%s", err, block, out.String(), m.logs(t))
	}
	m.heed(t)
	return out.String()
}

// heed starts and stops what the block before asked systemctl to.
func (m *machine) heed(t *testing.T) {
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
	for line := range strings.Lines(string(wanted)) {
		verb, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb != "start" {
			m.stopUnit(t, name)
		}
		if verb != "stop" {
			m.units[name] = m.start(t, name)
		}
	}
}

// start does what systemd does with the installed unit, but for its fences and its
// user: credentials, folders, environment and command.
func (m *machine) start(t *testing.T, name string) *proc.Process {
	t.Helper()
	credentials := filepath.Join(m.root, "credentials", name)
	if err := errors.Join(os.RemoveAll(credentials), os.MkdirAll(credentials, 0o700)); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/usr/bin:/bin", "CREDENTIALS_DIRECTORY=" + credentials}
	var command []string
	for line := range strings.Lines(m.here(m.unit(t, name))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.ReplaceAll(value, "%d", credentials)
		switch key {
		case "LoadCredential", "LoadCredentialEncrypted":
			id, path, _ := strings.Cut(value, ":")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			// systemd lets the service read by an access list, whose mask is shown as the group's right.
			m.write(t, "credentials/"+name+"/"+id, string(text), 0o440)
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
	log, err := os.OpenFile(filepath.Join(m.root, "log", name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
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

// unit returns the installed unit with its drop-ins behind it.
func (m *machine) unit(t *testing.T, name string) string {
	t.Helper()
	path := "etc/systemd/system/" + name + ".service"
	text := m.read(t, path)
	more, err := filepath.Glob(filepath.Join(m.root, path+".d", "*.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dropIn := range more {
		text += m.read(t, path+".d/"+filepath.Base(dropIn))
	}
	return text
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
	for _, name := range []string{"causeway-prober", "causeway-echo", "causeway-worker", "causeway-serve", "causeway-signer", "btcd"} {
		m.stopUnit(t, name)
	}
}

func (m *machine) stopUnit(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	p := m.units[name]
	if p == nil {
		return
	}
	delete(m.units, name)
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop %s: %v\n%s", name, err, m.read(t, "log/"+name))
	}
}
