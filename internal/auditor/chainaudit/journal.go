package chainaudit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Kinds of transaction in a journal. A foreign one is in none.
const (
	KindPay     = "pay"
	KindVoid    = "void"
	KindUpkeep  = "upkeep"
	KindForeign = "foreign"
)

// maxLine bounds a line: a note of 1 MiB with its line feeds escaped, and 3,100
// outputs of 300 bytes; or a history of 8 MiB.
const maxLine = 10 << 20

// version is that of the lines that are read here.
const version = 3

// line is one line of a journal. Fields that it does not name are left unread; the chain of
// hashes covers them.
type line struct {
	V         int      `json:"v"`
	Seq       int64    `json:"seq"`
	Prev      string   `json:"prev"`
	Time      int64    `json:"time"` // Unix seconds, by the signer's clock
	Treasury  string   `json:"treasury"`
	Batch     string   `json:"batch"`
	Number    uint32   `json:"number"`
	BatchNote string   `json:"batch_note"`
	Attempt   int64    `json:"attempt"`
	TxID      string   `json:"txid"`
	Inputs    []string `json:"inputs"`
	Outs      []struct {
		Script   string  `json:"script"`
		Sat      int64   `json:"sat"`
		Decision string  `json:"decision"`
		Period   int     `json:"period"`
		Note     string  `json:"note"`
		Change   *uint32 `json:"change"`
	} `json:"outs"`
	Fee      int64  `json:"fee"`
	Kind     string `json:"kind"`
	LockTime uint32 `json:"lock_time"`
	Note     string `json:"note"` // text of the batch or upkeep note
	Void     string `json:"void"` // text of the void note
}

// record is a journalled transaction.
type record struct {
	journal   string
	line      int
	kind      string
	treasury  string
	batch     string
	number    uint32
	batchNote string
	voidNote  string // digest; "" for none
	time      int64
	attempt   int64
	txid      chainhash.Hash
	inputs    []wire.OutPoint
	outs      []output
	fee       int64
	rated     bool // amounts came from a rate

	spends   map[wire.OutPoint]bool // the inputs again
	payments map[Instalment]output  // the outputs that pay
}

// output is one output of a journalled transaction: a payment when paid names
// something, change otherwise.
type output struct {
	script string
	sat    int64
	paid   Instalment
	note   string // digest of the decision note, hex
	change *uint32
}

func (r *record) finding() Finding {
	return Finding{Journal: r.journal, Line: r.line, TxID: r.txid.String(), Batch: r.batch}
}

// sharesInput reports whether the two can never both confirm.
func (r *record) sharesInput(other *record) bool {
	for _, in := range other.inputs {
		if r.spends[in] {
			return true
		}
	}
	return false
}

// journal is what was read of one file.
type journal struct {
	read    JournalRead
	records []*record
	byTxID  map[chainhash.Hash]*record
}

// readJournal reads a signer's journal and reports damage as alarms. It goes on
// behind a damaged line, so that what follows is not taken for theft. The error
// is one of reading text.
func readJournal(name string, text io.Reader, report *Report) (*journal, error) {
	j := &journal{read: JournalRead{Name: name}, byTxID: map[chainhash.Hash]*record{}}
	head, seq := [sha256.Size]byte{}, int64(0)
	notes := notebook{}
	in := bufio.NewReaderSize(text, 1<<16)
	for {
		raw, whole, err := nextLine(in)
		if err != nil {
			return nil, fmt.Errorf("read journal %s: %w", name, err)
		}
		if len(raw) == 0 && !whole {
			break
		}
		if !whole && !json.Valid(raw) {
			// A signer writes a line, waits for the disk and only then releases: an
			// unfinished line is of a transaction that nobody has.
			j.read.TornBytes = int64(len(raw))
			report.note(
				Finding{Code: JournalTorn, Journal: name, Line: j.read.Lines + 1},
				"Journal %s ends in %d bytes of a line that was never finished; its transaction was not released.",
				name,
				len(raw),
			)
			break
		}
		j.read.Lines++
		at := Finding{Journal: name, Line: j.read.Lines}
		var l line
		if err := l.parse(raw); err != nil {
			at.Code = JournalDamaged
			report.alarm(at, "Line %d of journal %s is not a record: %v.", at.Line, name, err)
			head, seq = sha256.Sum256(raw), seq+1
			continue
		}
		if l.Seq != seq+1 || l.Prev != hex.EncodeToString(head[:]) {
			at.Code = JournalChain
			report.alarm(
				at,
				"Line %d of journal %s does not follow the line before it: a line was changed, added or removed.",
				at.Line,
				name,
			)
		}
		head, seq = sha256.Sum256(raw), l.Seq
		if l.isAct() {
			continue
		}
		r, err := l.record()
		if err != nil {
			at.Code = JournalDamaged
			report.alarm(at, "Line %d of journal %s is not a record: %v.", at.Line, name, err)
			continue
		}
		r.journal, r.line = name, j.read.Lines
		j.add(r, &l, notes, report)
	}
	j.read.Head = hex.EncodeToString(head[:])
	return j, nil
}

func (j *journal) add(r *record, l *line, notes notebook, report *Report) {
	f := r.finding()
	if old := j.byTxID[r.txid]; old != nil {
		f.Code = JournalRepeats
		report.alarm(f, "Lines %d and %d of journal %s are for one transaction.", old.line, r.line, r.journal)
		return
	}
	if got := l.hashed(r); got != r.txid {
		f.Code = JournalTxID
		report.alarm(
			f,
			"Line %d of journal %s describes transaction %s and names %s.",
			r.line,
			r.journal,
			got,
			r.txid,
		)
	}
	if err := notes.check(r, l.Note, l.Void); err != nil {
		f.Code = JournalNote
		report.alarm(f, "Line %d of journal %s was not signed as it was approved: %v.", r.line, r.journal, err)
	}
	j.byTxID[r.txid] = r
	j.records = append(j.records, r)
}

// nextLine returns a line without its line feed; whole is false when the text
// ended first.
func nextLine(in *bufio.Reader) (raw []byte, whole bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		raw = append(raw, part...)
		switch {
		case len(raw) > maxLine:
			return nil, false, fmt.Errorf("a line is longer than %d bytes", maxLine)
		case err == nil:
			return raw[:len(raw)-1], true, nil
		case errors.Is(err, io.EOF):
			return raw, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

// actVersion is the version of a line that is an act of authority: a charter, an accepted
// decision, a halt. Of such lines only the chain of hashes is checked here.
const actVersion = 3

func (l *line) isAct() bool {
	return l.V == actVersion && l.Treasury == "" && l.TxID == "" && l.Kind != ""
}

// parse reads one line. It refuses what two readers could read in two ways.
func (l *line) parse(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := oneSpelling(dec, 0); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, l); err != nil {
		return errors.New("a signer would not write it so")
	}
	if l.V != version {
		return fmt.Errorf("version %d is unknown", l.V)
	}
	return nil
}

// maxDepth is more than a record nests: an object, a list, an object.
const maxDepth = 8

// oneSpelling reads one JSON value and refuses names that encoding/json takes for
// one another: the same one twice, in capitals, or with letters like the long s.
func oneSpelling(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil || depth > maxDepth {
		return errors.New("it is not JSON that a signer writes")
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	names := map[string]bool{}
	for dec.More() {
		if open == '{' {
			token, err := dec.Token()
			name, ok := token.(string)
			if err != nil || !ok || names[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				return errors.New("a name occurs twice or in another spelling")
			}
			names[name] = true
		}
		if err := oneSpelling(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errors.New("it is not JSON")
	}
	return nil
}

// record turns a line into what the audit works with.
func (l *line) record() (*record, error) {
	r := &record{
		kind: l.Kind, treasury: l.Treasury, batch: l.Batch, number: l.Number,
		batchNote: l.BatchNote, time: l.Time, attempt: l.Attempt, fee: l.Fee,
		spends: map[wire.OutPoint]bool{}, payments: map[Instalment]output{},
	}
	if r.kind != KindPay && r.kind != KindVoid && r.kind != KindUpkeep {
		return nil, fmt.Errorf("kind %q is unknown", r.kind)
	}
	if l.Void != "" {
		r.voidNote = digest(l.Void)
	}
	txid, err := txidOf(l.TxID)
	if err != nil {
		return nil, err
	}
	r.txid = txid
	for _, text := range l.Inputs {
		op, err := outPointOf(text)
		if err != nil {
			return nil, err
		}
		if r.spends[op] {
			return nil, errors.New("it spends one coin twice")
		}
		r.inputs, r.spends[op] = append(r.inputs, op), true
	}
	for _, o := range l.Outs {
		script, err := hex.DecodeString(o.Script)
		paid := Instalment{o.Decision, o.Period}
		_, again := r.payments[paid]
		if err != nil || o.Sat < 0 || o.Sat > maxSat || (o.Decision == "") == (o.Change == nil) ||
			(o.Decision != "") != (o.Period > 0) || again {
			return nil, errors.New("one of its outputs is impossible")
		}
		out := output{script: string(script), sat: o.Sat, paid: paid, note: o.Note, change: o.Change}
		r.outs = append(r.outs, out)
		if paid != (Instalment{}) {
			r.payments[paid] = out
		}
	}
	if len(r.inputs) == 0 || len(r.outs) == 0 || r.batch == "" || r.fee < 0 || r.fee > maxSat {
		return nil, errors.New("it is incomplete")
	}
	return r, nil
}

// hashed returns the id of the transaction that a line describes: of
// version 2, replaceable (BIP125), and with witnesses, which no id covers.
func (l *line) hashed(r *record) chainhash.Hash {
	tx := wire.NewMsgTx(2)
	for i := range r.inputs {
		in := wire.NewTxIn(&r.inputs[i], nil, nil)
		in.Sequence = wire.MaxTxInSequenceNum - 2
		tx.AddTxIn(in)
	}
	for _, o := range r.outs {
		tx.AddTxOut(wire.NewTxOut(o.sat, []byte(o.script)))
	}
	tx.LockTime = l.LockTime
	return tx.TxHash()
}

func txidOf(text string) (chainhash.Hash, error) {
	h, err := chainhash.NewHashFromStr(text)
	if err != nil || h.String() != text {
		return chainhash.Hash{}, fmt.Errorf("%.80q is not a transaction ID", text)
	}
	return *h, nil
}

func outPointOf(text string) (wire.OutPoint, error) {
	txid, vout, _ := strings.Cut(text, ":")
	hash, err := txidOf(txid)
	if err != nil {
		return wire.OutPoint{}, err
	}
	n, err := number(vout)
	if err != nil {
		return wire.OutPoint{}, fmt.Errorf("%.80q is not an output", text)
	}
	return wire.OutPoint{Hash: hash, Index: n}, nil
}
