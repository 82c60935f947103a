package chainaudit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// approved is what a batch or upkeep note allows.
type approved struct {
	kind    string
	batch   string
	number  string
	maxFee  int64
	outputs int             // of upkeep
	rated   bool            // it has rates, so that amounts are no one decision's alone
	pays    map[string]bool // "DIGEST PERIOD SCRIPTHEX SAT"
	coins   map[string]bool // "TXID:VOUT"
}

// notebook holds the notes of one journal by digest.
type notebook map[string]*approved

// check holds a record against the note that it carries, which an earlier record of the
// same batch may have carried too.
func (b notebook) check(r *record, note, void string) error {
	if digest(note) != r.batchNote {
		return errors.New("its note has another digest than the one that was approved")
	}
	a := b[r.batchNote]
	if a == nil {
		var err error
		if a, err = readNote(note); err != nil {
			return err
		}
		b[r.batchNote] = a
	}
	r.rated = a.rated
	if a.batch != r.batch || a.number != strconv.FormatUint(uint64(r.number), 10) {
		return errors.New("its note is for another batch")
	}
	if (void != "") != (r.kind == KindVoid) {
		return errors.New("its kind and its notes do not match")
	}
	switch r.kind {
	case KindVoid:
		return checkVoid(r, void)
	case KindUpkeep:
		return a.checkUpkeep(r)
	}
	return a.checkPay(r)
}

func (a *approved) checkPay(r *record) error {
	if a.kind != KindPay {
		return errors.New("it pays under a note that pays nobody")
	}
	if r.fee > a.maxFee {
		return fmt.Errorf("its fee of %d sat is above the approved %d", r.fee, a.maxFee)
	}
	open := maps.Clone(a.pays)
	for _, o := range r.payments {
		line := fmt.Sprintf("%s %d %x %d", o.note, o.paid.Period, o.script, o.sat)
		if !open[line] {
			return fmt.Errorf("%s gets %d sat, which its note does not say", o.paid, o.sat)
		}
		delete(open, line)
	}
	if len(open) > 0 {
		return fmt.Errorf("%d payments of its note are missing", len(open))
	}
	return nil
}

func (a *approved) checkUpkeep(r *record) error {
	switch { // a batch note allows no outputs and no coins
	case r.fee > a.maxFee:
		return fmt.Errorf("its fee of %d sat is above the approved %d", r.fee, a.maxFee)
	case len(r.payments) > 0:
		return errors.New("it pays somebody under a note that pays nobody")
	case len(r.outs) != a.outputs:
		return fmt.Errorf("it makes %d coins where its note says %d", len(r.outs), a.outputs)
	case len(r.inputs) != len(a.coins):
		return fmt.Errorf("it spends %d coins where its note names %d", len(r.inputs), len(a.coins))
	}
	for _, in := range r.inputs {
		if !a.coins[in.String()] {
			return fmt.Errorf("it spends %s, which its note does not name", in)
		}
	}
	return nil
}

func checkVoid(r *record, text string) error {
	v, err := lines(text, "causeway/void/v2")
	if err != nil {
		return err
	}
	maxFee, err := strconv.ParseInt(v.one("max_fee_sat"), 10, 64)
	switch {
	case err != nil || v.one("batch") != r.batch || v.one("number") != strconv.FormatUint(uint64(r.number), 10) || v.one("note_sha256") != r.batchNote:
		return errors.New("its void note is for another batch")
	case r.fee > maxFee:
		return fmt.Errorf("its fee of %d sat is above the approved %d", r.fee, maxFee)
	case len(r.payments) > 0 || len(r.outs) != 1:
		return errors.New("a void makes one output, which is change")
	}
	return nil
}

func readNote(text string) (*approved, error) {
	header, _, _ := strings.Cut(text, "\n")
	l, err := lines(text, header)
	if err != nil {
		return nil, err
	}
	a := &approved{batch: l.one("batch"), number: l.one("number"), pays: map[string]bool{}, coins: map[string]bool{}}
	var count string
	var items []string
	into := a.pays
	switch header {
	case "causeway/batch/v2":
		a.kind, count, items = KindPay, l.one("payments"), l["pay"]
		a.rated = len(l["rate"]) > 0
	case "causeway/upkeep/v2":
		a.kind, count, items, into = KindUpkeep, l.one("coins"), l["coin"], a.coins
		if a.outputs, err = strconv.Atoi(l.one("outputs")); err != nil {
			return nil, errors.New("its note does not say how many outputs")
		}
	default:
		return nil, errors.New("its note is of an unknown kind")
	}
	for _, item := range items {
		into[item] = true
	}
	if a.maxFee, err = strconv.ParseInt(l.one("max_fee_sat"), 10, 64); err != nil || strconv.Itoa(len(into)) != count {
		return nil, errors.New("its note has inconsistent numbers")
	}
	return a, nil
}

// fields is a note taken apart: what follows each name, in order.
type fields map[string][]string

// one returns the only value of name, or "".
func (f fields) one(name string) string {
	if len(f[name]) != 1 {
		return ""
	}
	return f[name][0]
}

func lines(text, header string) (fields, error) {
	all := strings.Split(text, "\n")
	if all[0] != header || all[len(all)-1] != "" {
		return nil, errors.New("its note cannot be read")
	}
	f := fields{}
	for _, l := range all[1 : len(all)-1] {
		name, value, ok := strings.Cut(l, " ")
		if !ok {
			return nil, errors.New("its note cannot be read")
		}
		f[name] = append(f[name], value)
	}
	return f, nil
}

func digest(text string) string {
	d := sha256.Sum256([]byte(text))
	return hex.EncodeToString(d[:])
}
