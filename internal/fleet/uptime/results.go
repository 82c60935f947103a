package uptime

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Result is one line of a file of results.
type Result struct {
	Endpoint string    `json:"endpoint"` // public label
	Slot     time.Time `json:"slot"`     // its start
	Attempt  int       `json:"attempt"`  // from 1
	Verdict  string    `json:"verdict"`
	SHA256   string    `json:"sha256"` // of the record: 64 hex digits
}

// Results returns attempts of an endpoint as text, one Result a line in the order
// of Evidence: the sums of the lines, one behind the other, are what it hashes.
func Results(endpoint string, attempts []Attempt) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // ends each with a line feed
	for _, a := range inOrder(attempts) {
		r := Result{
			Endpoint: endpoint,
			Slot:     a.Slot.UTC(),
			Attempt:  a.Attempt,
			Verdict:  a.Verdict,
			SHA256:   hex.EncodeToString(a.SHA256[:]),
		}
		if err := enc.Encode(r); err != nil {
			return nil, fmt.Errorf("encode result: %w", err)
		}
	}
	return out.Bytes(), nil
}

// Checked names the day of an endpoint that has results.
type Checked struct {
	Endpoint string // label
	Day      string // 2026-11-22
}

// ParseResults reads what Results wrote, of any number of endpoints and days, in
// any order. Malformed "results_form".
func ParseResults(text []byte) (map[Checked][]Attempt, error) {
	out := map[Checked][]Attempt{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	for n := 1; ; n++ {
		var r Result
		err := dec.Decode(&r)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		sum, hexErr := hex.DecodeString(r.SHA256)
		if err != nil || hexErr != nil || len(sum) != 32 || r.Endpoint == "" || r.Attempt < 1 || r.Slot.IsZero() ||
			!slices.Contains(verdicts(), r.Verdict) {
			return nil, errs.Newf(
				errs.Malformed,
				CodeResultsForm,
				"Result %d lacks a field or has an extra one: a result has endpoint, slot, attempt, verdict and sha256.",
				n,
			)
		}
		day := Checked{r.Endpoint, r.Slot.UTC().Format(time.DateOnly)}
		out[day] = append(
			out[day],
			Attempt{Slot: r.Slot.UTC(), Attempt: r.Attempt, Verdict: r.Verdict, SHA256: [32]byte(sum)},
		)
	}
}

func verdicts() []string { return []string{verdictUp, verdictDown, "unknown"} }
