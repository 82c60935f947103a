package chainaudit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// AuditLog is an export of the fund's audit log. Whether its rows are those that
// were signed is for the caller to check first.
type AuditLog struct {
	Name string
	Rows int64 // that a signed checkpoint vouches for; what follows them is not read
	Open func() (io.ReadCloser, error)
}

// maxLog bounds an export: three million rows of 300 bytes, three times over.
const maxLog = 3 << 30

// act is what one row of a log says somebody did.
type act struct {
	Action string `json:"action"`
	Actor  string `json:"actor"`
	At     string `json:"at"`
	Digest string `json:"digest"`
	From   string `json:"from"`
	Object string `json:"object_id"`
	Kind   string `json:"object_kind"`
	Seq    int64  `json:"seq"`
	To     string `json:"to"`

	log *actLog
	at  time.Time
}

// actLog is what was read of one log.
type actLog struct {
	name  string
	rows  int64
	begun map[string]int64 // by batch: the first row at which a signer was asked, or something later had happened
}

// actions that the audit asks for, with the kind of their object.
var actions = map[string]string{
	votedFor: "application", votedAgainst: "application", approvedGrant: "application",
	approvedBatch: "batch", approvedVoid: "batch", recoveredBatch: "batch",
}

const (
	votedFor       = "application.voted_approve"
	votedAgainst   = "application.voted_decline"
	approvedGrant  = "application.approved"
	approvedBatch  = "batch.approved"
	approvedVoid   = "batch.void_approved"
	recoveredBatch = "batch.recovered"
)

// underway are states of a batch that nobody may approve any more.
var underway = map[string]bool{
	"signing":    true,
	"signed":     true,
	"broadcast":  true,
	"mined":      true,
	"paid":       true,
	"final":      true,
	"conflicted": true,
	"voided":     true,
}

// readLog reads an export's rows that count. The error says why it is none.
func readLog(source AuditLog) (log *actLog, acts []act, err error) {
	text, err := source.Open()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	var bundle struct {
		Format string   `json:"format"`
		From   int64    `json:"from"`
		Leaves []string `json:"leaves"`
	}
	if err := json.NewDecoder(io.LimitReader(text, maxLog)).Decode(&bundle); err != nil {
		return nil, nil, errors.New("it is not JSON as the fund exports it")
	}
	switch {
	case bundle.Format != "causeway/audit-bundle/v1":
		return nil, nil, errors.New("it is not an audit bundle of version 1")
	case bundle.From != 0:
		return nil, nil, fmt.Errorf("it begins at row %d; a whole log is needed", bundle.From)
	case source.Rows < 0 || int64(len(bundle.Leaves)) < source.Rows:
		return nil, nil, fmt.Errorf("it has %d rows, and %d are vouched for", len(bundle.Leaves), source.Rows)
	}
	log = &actLog{name: source.Name, rows: source.Rows, begun: map[string]int64{}}
	for seq, leaf := range bundle.Leaves[:source.Rows] {
		a, err := readAct([]byte(leaf))
		if err != nil || a.Seq != int64(seq) {
			return nil, nil, fmt.Errorf("row %d is not a row of a log", seq)
		}
		a.log = log
		if _, ok := log.begun[a.Object]; !ok && a.Kind == "batch" && underway[a.To] {
			log.begun[a.Object] = a.Seq
		}
		if kind, ok := actions[a.Action]; ok && kind == a.Kind {
			acts = append(acts, a)
		}
	}
	return log, acts, nil
}

func readAct(leaf []byte) (act, error) {
	var a act
	dec := json.NewDecoder(bytes.NewReader(leaf))
	if err := oneSpelling(dec, 0); err != nil {
		return a, err
	}
	if err := json.Unmarshal(leaf, &a); err != nil {
		return a, err
	}
	at, err := time.Parse(time.RFC3339, a.At)
	a.at = at
	return a, err
}

// byPerson reports whether somebody of the staff did it.
func (a act) byPerson() bool { return strings.HasPrefix(a.Actor, "staff:") }

// where names the row for people.
func (a act) where() string { return fmt.Sprintf("row %d of %s", a.Seq, a.log.name) }

// logs reads every audit log that was given.
func (a *auditor) logs() (*ledgerOfActs, error) {
	if len(a.cfg.Logs) == 0 {
		return nil, nil // nothing to hold the payments against
	}
	l := &ledgerOfActs{byDigest: map[string][]act{}, byObject: map[string][]act{}}
	for _, source := range a.cfg.Logs {
		log, acts, err := readLog(source)
		if err != nil {
			return nil, errs.Wrap(
				err,
				errs.Unavailable,
				CodeLogUnreadable,
				fmt.Sprintf("The audit log %s cannot be read: %v. Nothing was judged.", source.Name, err),
			)
		}
		l.read = append(l.read, LogRead{Name: log.name, Rows: log.rows})
		for _, x := range acts {
			l.byDigest[x.Action+" "+x.Digest] = append(l.byDigest[x.Action+" "+x.Digest], x)
			l.byObject[x.Action+" "+x.Object] = append(l.byObject[x.Action+" "+x.Object], x)
		}
	}
	return l, nil
}

// ledgerOfActs is what all logs together say.
type ledgerOfActs struct {
	read     []LogRead
	byDigest map[string][]act // by action and digest
	byObject map[string][]act // by action and object
}
