package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
)

// nothingLeaks looks for secrets in a dump of the database, in every file of the
// world (PostgreSQL's own, all logs, the journal) and in further evidence.
// planted must be in the dump, or the search would prove nothing.
func (r *rig) nothingLeaks(evidence, planted string, secrets []string) {
	r.t.Helper()
	in, err := pgserver.Find(r.t.Context(), 0)
	r.must(err)
	dump, err := exec.CommandContext(r.t.Context(), filepath.Join(in.BinDir, "pg_dump"), "--inserts", r.Devnet.Postgres.URL("causeway")).Output()
	r.must(err)
	if !bytes.Contains(dump, []byte(planted)) {
		r.t.Error("the dump does not hold what it must hold")
	}
	r.search("pg_dump", dump, secrets)
	r.search("metrics", []byte(evidence), secrets)
	files := 0
	r.must(filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		r.search(path, text, secrets)
		return nil
	}))
	if files < 100 {
		r.t.Errorf("only %d files were searched", files)
	}
	r.requestLog()
}

// search looks for each secret as it is, in hex as PostgreSQL writes bytes, and
// in base64 at each of its three alignments.
func (r *rig) search(where string, text []byte, secrets []string) {
	r.t.Helper()
	for _, s := range secrets {
		forms := []string{s, hex.EncodeToString([]byte(s))}
		for skip := range 3 {
			inner := []byte(s)[skip:]
			forms = append(forms, base64.StdEncoding.EncodeToString(inner[:len(inner)/3*3]))
		}
		for _, form := range forms {
			if bytes.Contains(text, []byte(form)) {
				r.t.Errorf("%s holds %s", where, s)
				break
			}
		}
	}
}

// requestLog wants request lines to have the fields below and no others: none
// for an address, an agent or a referrer.
func (r *rig) requestLog() {
	r.t.Helper()
	allowed := map[string]bool{"time": true, "level": true, "msg": true, "method": true, "route": true, "status": true, "ms": true, "request_id": true}
	requests := 0
	for line := range strings.Lines(r.logs()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) != nil || fields["msg"] != "request" {
			continue
		}
		requests++
		for name := range fields {
			if !allowed[name] {
				r.t.Errorf("a request's log line has the field %q: %s", name, line)
				allowed[name] = true // once is enough
			}
		}
	}
	if requests == 0 {
		r.t.Error("no request is in the log")
	}
}
