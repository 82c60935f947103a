package grant_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// TestNothingThatAnOperatorWritesIsStoredInTheClear looks for planted words in a
// dump and in the log of a server that is told to log every statement with its
// parameters.
func TestNothingThatAnOperatorWritesIsStoredInTheClear(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	base := server.New(t)
	owner := open(t, base.URL)
	for _, setting := range []string{"log_statement = 'all'", "log_parameter_max_length = -1", "log_min_error_statement = error", "log_error_verbosity = verbose"} {
		_, err := owner.Pool().Exec(t.Context(), "ALTER DATABASE "+base.Name+" SET "+setting)
		noError(t, err)
	}
	w := newWorldOn(t, base)
	w.deposit(t, 1_000_000)
	var canaries []string
	plant := func(what string) string {
		word := fmt.Sprintf("canary%s%d", what, len(canaries))
		canaries = append(canaries, word)
		return word
	}
	written := func(n int) grant.Proposal {
		p := proposal(t, n)
		p.Title, p.Narrative, p.Contact = plant("title"), plant("narrative")+" and enough words", plant("contact")
		p.Endpoints = []claim.Endpoint{{
			Protocol: "socks5", Host: plant("host") + ".example.org", Port: 1080,
			Username: plant("username"), Secret: plant("secret"), Note: plant("note"),
		}}
		return p
	}

	first := written(1)
	receipt, err := w.Submit(t.Context(), plant("key")+"-and-more", first)
	noError(t, err)
	id := w.status(t, receipt.Code).Application.ID
	canaries = append(canaries, first.PayoutAddress, receipt.Code, strings.ReplaceAll(receipt.Code, "-", ""))
	ask := func(v grant.Verdict, digest grant.Decision) error {
		return w.say(t.Context(), w.reviewers[0], id, v, digest.Digest, plant("words"))
	}
	noError(t, ask(question, w.show(t, id).Decision))
	second := written(2)
	_, err = w.Revise(t.Context(), receipt.Code, second)
	noError(t, err)
	canaries = append(canaries, second.PayoutAddress)
	_, err = w.Reply(t.Context(), receipt.Code, plant("reply"))
	noError(t, err)
	for _, audience := range []grant.Audience{grant.ToOperator, grant.ToTeam} {
		_, err = w.PostMessage(t.Context(), w.reviewers[0], id, audience, plant("message"))
		noError(t, err)
	}
	noError(t, ask(grant.VerdictDecline, w.show(t, id).Decision))
	wantCode(t, ask(grant.VerdictDecline, w.show(t, id).Decision), "already_voted") // an error in the log
	noError(t, w.vote(t.Context(), w.reviewers[1], id, grant.VerdictDecline))
	cmd := w.decision(t, id, grant.VerdictDecline)
	cmd.Message = plant("decision")
	_, err = w.Decide(t.Context(), w.reviewers[2], cmd)
	noError(t, err)

	forms := map[string]string{}
	for _, word := range canaries {
		for how, form := range spellings(word) {
			forms[word+" as "+how] = form
		}
	}
	for _, p := range []grant.Proposal{first, second} {
		script := scriptOf(t, p.PayoutAddress)
		sum := sha256.Sum256(script)
		forms["script of "+p.PayoutAddress], forms["hash of the script of "+p.PayoutAddress] = hex.EncodeToString(script[2:]), hex.EncodeToString(sum[:])
	}
	for name, text := range map[string][]byte{"dump": dump(t, base.URL), "log": serverLog(t, w)} {
		if !bytes.Contains(text, []byte(receipt.Reference)) || !bytes.Contains(text, []byte("duplicate key")) == (name == "log") {
			t.Errorf("the %s is not one: %d bytes without %s or an error", name, len(text), receipt.Reference)
		}
		for what, form := range forms {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("the %s holds %s", name, what)
			}
		}
	}
}

func scriptOf(t testing.TB, address string) []byte {
	t.Helper()
	params, err := wallet.Params(network)
	noError(t, err)
	to, bad := wallet.ParsePayee(address, params, nil)
	if bad != nil {
		t.Fatal(bad)
	}
	return to.Script
}

// spellings returns the ways in which a dump or a log may write a word.
func spellings(word string) map[string]string {
	forms := map[string]string{"text": word, "hex": hex.EncodeToString([]byte(word))}
	for shift := range 3 {
		code := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), word...))
		forms[fmt.Sprintf("base64 %d", shift)] = code[4 : len(code)-4] // the ends depend on the neighbours
	}
	return forms
}

// dump returns what pg_dump, the copy of a thief or of a backup, says.
func dump(t *testing.T, url string) []byte {
	t.Helper()
	install, err := pgserver.Find(t.Context(), 0)
	noError(t, err)
	var problem bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(install.BinDir, "pg_dump"), url)
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, problem.String())
	}
	return out
}

func serverLog(t *testing.T, w *world) []byte {
	t.Helper()
	var data string
	noError(t, w.owner.Pool().QueryRow(t.Context(), "SHOW data_directory").Scan(&data))
	text, err := os.ReadFile(filepath.Join(filepath.Dir(data), "postgres.log"))
	noError(t, err)
	return text
}

// TestADumpIsNoTestForAddresses rebuilds the note of an application from all
// that is stored in clear and the right address, as a thief would with every
// address of the chain, and must not arrive at the digest.
func TestADumpIsNoTestForAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	revisions := []grant.Detail{w.show(t, f.id)}
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, question))
	_, err := w.Revise(t.Context(), f.code, proposal(t, 2))
	noError(t, err)
	revisions = append(revisions, w.show(t, f.id))
	params, err := wallet.Params(network)
	noError(t, err)
	text := dump(t, w.base.URL)

	for i, d := range revisions {
		guess := func(body [sha256.Size]byte) decision.Digest {
			amount := d.Decision.Amount
			return decision.Note{
				Network: decision.NetworkOf(params), Fund: w.fund.ID, Decision: d.Decision.ID, Grant: d.Decision.GrantID, Application: body,
				Currency: decision.CurrencySat, Amount: int64(amount), SatLeast: amount, SatMost: amount,
				Periods: 1, FirstDue: d.Decision.CreatedAt.UTC().Truncate(24 * time.Hour), Every: decision.Once, PayWithinDays: w.fund.PayWithinDays(),
				Payees: []decision.Payee{{Script: scriptOf(t, payee(t, i+1)), Address: payee(t, i+1)}},
			}.Digest()
		}
		if guess(d.BodySHA256) != d.Decision.Digest {
			t.Fatal("the test does not know how a note is made")
		}
		if guess(d.Revision.Commitment) == d.Decision.Digest {
			t.Errorf("revision %d: the database tells whether an address was to be paid", i+1)
		}
		// Leaves are bytes, and digests in them text.
		columns := func(digest [sha256.Size]byte) (column, leaf []byte) {
			column = []byte(hex.EncodeToString(digest[:]))
			return column, []byte(hex.EncodeToString(column))
		}
		if column, leaf := columns(d.Revision.Commitment); !bytes.Contains(text, column) || !bytes.Contains(text, leaf) {
			t.Errorf("revision %d: no commitment in the dump", i+1)
		}
		if column, leaf := columns(d.BodySHA256); bytes.Contains(text, column) || bytes.Contains(text, leaf) {
			t.Errorf("revision %d: the dump holds the digest that the note names", i+1)
		}
	}
}

// TestSealedBytesOpenInTheirOwnPlaceOnly moves sealed bytes between two
// applications, or between rows of one, as somebody with the database could.
func TestSealedBytesOpenInTheirOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	swap := func(table, column, of string) string {
		return fmt.Sprintf(`UPDATE %[1]s a SET %[2]s = b.%[2]s FROM %[1]s b WHERE a.%[3]s IN ($1, $2) AND b.%[3]s IN ($1, $2) AND a.%[3]s <> b.%[3]s`, table, column, of)
	}
	within := func(table, column string) string {
		return fmt.Sprintf(`UPDATE %[1]s a SET %[2]s = b.%[2]s FROM %[1]s b WHERE a.application_id IN ($1, $2) AND b.application_id = a.application_id AND a.id <> b.id`, table, column)
	}
	tests := map[string]struct{ sql, place string }{
		"body":         {swap("application_revision", "body", "application_id"), "application_revision.body"},
		"note":         {swap("decision", "note", "application_id"), "decision.note"},
		"vote note":    {swap("vote", "note", "application_id"), "vote.note"},
		"message":      {swap("message", "body", "application_id"), "message.body"},
		"key":          {swap("application", "data_key", "id"), "data key"},
		"body and key": {"WITH x AS (" + swap("application", "data_key", "id") + ") " + swap("application_revision", "body", "application_id"), "data key"},

		"two notes of one":    {within("vote", "note"), "vote.note"},
		"two messages of one": {within("message", "body"), "message.body"},
		"note as body": {`UPDATE application_revision r SET body = d.note FROM decision d
			WHERE d.application_id = r.application_id AND r.application_id IN ($1, $2)`, "application_revision.body"},
		"first body as second": {`WITH x AS (INSERT INTO application_revision SELECT application_id, 2, body, body_sha256, amount_sat, created_at
				FROM application_revision WHERE application_id IN ($1, $2)),
			y AS (INSERT INTO decision SELECT gen_random_uuid(), application_id, 2, gen_random_uuid(), sha256(digest), note, amount_sat, created_at
				FROM decision WHERE application_id IN ($1, $2))
			UPDATE application SET revision = 2 WHERE id IN ($1, $2)`, "application_revision.body"},

		"one bit":       {"UPDATE message SET body = set_byte(body, 30, get_byte(body, 30) # 1) WHERE application_id IN ($1, $2)", "message.body"},
		"one byte less": {"UPDATE message SET body = substr(body, 1, length(body) - 1) WHERE application_id IN ($1, $2)", "message.body"},
	}
	for _, table := range []string{"application_revision", "decision", "vote", "message"} {
		w.exec(t, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
	}
	n := 0
	for name, test := range tests {
		var two []filed
		for range 2 {
			n++
			f := w.file(t, n)
			for _, by := range w.reviewers[:2] {
				noError(t, w.vote(t.Context(), by, f.id, grant.VerdictApprove))
				_, err := w.PostMessage(t.Context(), by, f.id, grant.ToOperator, "Thank you, says "+by.Name+".")
				noError(t, err)
			}
			two = append(two, f)
		}
		w.exec(t, test.sql, two[0].id, two[1].id)

		for _, f := range two {
			d, err := w.Show(t.Context(), w.reviewers[1], f.id)
			if !errs.Is(err, "unsealing_failed") || !strings.Contains(err.Error(), test.place) {
				t.Errorf("%s: reviewers see %+v, %v; want %s not to open", name, d.Body, err, test.place)
			}
		}
	}
}

func TestADestroyedKeyIsAPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	other := w.file(t, 2)
	_, err := w.PostMessage(t.Context(), w.reviewers[0], f.id, grant.ToOperator, "Thank you.")
	noError(t, err)
	cmd := w.decision(t, f.id, grant.VerdictApprove)
	_, err = w.app.Pool().Exec(t.Context(), "UPDATE application SET data_key = NULL WHERE id = $1", f.id)
	noError(t, err)

	s, d := w.status(t, f.code), w.show(t, f.id)
	page, err := w.Queue(t.Context(), w.reviewers[0], grant.Filter{Limit: 10}, "")
	noError(t, err)

	if !s.Purged || s.Body.Title != "" || len(s.Messages) != 0 || len(s.History) == 0 || s.Application.State != grant.Ready {
		t.Errorf("the operator sees %+v", s)
	}
	if !d.Purged || d.Body.Title != "" || d.Note != "" || len(d.VoteNotes) != 0 || len(d.Messages) != 0 || d.Tally.Approve != 2 {
		t.Errorf("reviewers see %+v", d)
	}
	titles := map[string]int{}
	for _, line := range page.Lines {
		titles[line.Application.ID.String()+" "+line.Title]++
	}
	if len(page.Lines) != 2 || titles[f.id.String()+" "] != 1 || titles[other.id.String()+" Relay number 2"] != 1 {
		t.Errorf("the queue lists %v", titles)
	}
	w.nothingWritten(t, func() {
		_, decide := w.Decide(t.Context(), w.reviewers[2], cmd)
		_, reply := w.Reply(t.Context(), f.code, "hello")
		_, post := w.PostMessage(t.Context(), w.reviewers[0], f.id, grant.ToTeam, "hello")
		vote := w.vote(t.Context(), w.reviewers[2], f.id, grant.VerdictDecline)
		for i, err := range []error{decide, reply, post, vote} {
			if !errs.Is(err, "purged") {
				t.Errorf("call %d: %v", i, err)
			}
		}
	})
}
